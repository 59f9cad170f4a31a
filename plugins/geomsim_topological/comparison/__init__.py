"""Evidence and chance behind a comparison of two graphs."""
