"""What the report of a comparison shows of its topology: Mapper graphs with their plan, persistence diagrams."""
