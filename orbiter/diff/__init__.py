"""What changed between two locks."""
