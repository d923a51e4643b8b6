"""Reports on a Diff: text, Markdown, JSON and HTML."""
