"""Covers: overlapping sets of rows."""
