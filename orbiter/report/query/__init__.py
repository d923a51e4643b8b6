"""The answers of orbiter.query as text for a terminal, and as JSON with its schemas."""
