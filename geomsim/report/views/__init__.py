"""What the report shows besides scores: maps of both spaces, tokens in context, graphs and diagrams of plugins."""
