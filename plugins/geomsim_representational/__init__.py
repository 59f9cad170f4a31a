"""Representational metrics: how alike two arrangements of points are. One file per family."""
