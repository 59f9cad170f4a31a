"""What a person looks at: figures for papers (`figures`) and one static HTML page (`summary`)."""
