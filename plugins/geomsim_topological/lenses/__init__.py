"""Lenses: a few numbers per row."""
