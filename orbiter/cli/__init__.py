"""One file per command, named like it.

Options, one call into the core, what is printed, the exit code. Nothing else prints.
"""
