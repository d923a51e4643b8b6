"""Licences as text, Markdown or JSON."""
