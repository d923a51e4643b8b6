"""Readers of lock files: from bytes to a Lock, one module per format, detected by content."""
