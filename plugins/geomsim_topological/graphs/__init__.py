"""Mapper graphs: nodes, edges, nerve, features, files."""
