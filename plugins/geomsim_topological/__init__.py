"""Mapper graphs, persistent homology and optimal transport: metrics on the shape of clouds, and what they rest on."""
