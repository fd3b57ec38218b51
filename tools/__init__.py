"""Programs that make what the project ships, outside the pipeline."""
