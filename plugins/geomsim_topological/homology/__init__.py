"""Persistent homology: complexes, bars, their distances."""
