"""A diff as people and machines read it: one module a format, each with a function ``render``."""
