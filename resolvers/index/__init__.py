"""The Python package index: pages, files, metadata."""
