"""Transport plans between the nodes of two graphs, as tables and files."""
