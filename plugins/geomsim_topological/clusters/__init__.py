"""Clusters of the rows of cover sets, and the scale they are found at."""
