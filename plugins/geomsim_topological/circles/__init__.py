"""From cocycles to angles."""
