"""Comparison of two locks: from Lock x Lock to Diff, without side effects."""
