"""The result of an audit as text, JSON and HTML."""
