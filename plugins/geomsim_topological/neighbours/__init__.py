"""Graphs of nearest neighbours and what is computed on them."""
