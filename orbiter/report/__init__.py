"""Diff -> text, Markdown, JSON, HTML."""
