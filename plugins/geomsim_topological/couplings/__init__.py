"""Gromov-Wasserstein and co-optimal transport, with every answer checked."""
