"""Settings of a sweep, and what stays from one to the next."""
