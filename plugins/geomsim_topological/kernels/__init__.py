"""Compiled loops. Import them late: they import numba."""
