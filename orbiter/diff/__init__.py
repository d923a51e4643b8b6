"""Lock x Lock -> Diff. Pure."""
