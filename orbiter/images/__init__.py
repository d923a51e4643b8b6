"""Images that were built on this machine: list, run, shell, clean."""
