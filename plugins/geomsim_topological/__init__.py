"""Topological metrics: Mapper graphs and the transport between them. One concept per file."""
