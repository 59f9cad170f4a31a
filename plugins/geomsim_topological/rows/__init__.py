"""Rows of points: an order by value, distances, groups, landmarks."""
