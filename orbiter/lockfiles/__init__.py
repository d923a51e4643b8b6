"""Bytes -> Lock: one module per format, recognised by content."""
