"""Shell commands in images.toml. Pure."""


def brief(command: str) -> str:
    """Return a command on one line: its first line, with a sign if there are more."""
    first, newline, _ = command.partition("\n")
    return f"{first} …" if newline else first
