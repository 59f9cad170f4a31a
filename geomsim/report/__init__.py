"""What a person looks at: figures for papers (`heatmap`, `bars`) and one static HTML page (`summary`).

A function that draws takes a table (the columns of `geomsim.Study.table`) and a matplotlib Axes, draws on it and
returns it; pyplot and the global rcParams are not touched.
"""
