"""The answers of orbiter.query as text for a terminal, and the trees as JSON."""
