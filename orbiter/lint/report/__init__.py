"""Findings as text, JSON, SARIF or annotations of GitHub."""
