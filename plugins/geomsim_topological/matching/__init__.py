"""Circular correlation, and what the loop matcher found."""
