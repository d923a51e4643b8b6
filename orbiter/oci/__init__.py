"""Container registries and OCI image layouts, read and written."""
