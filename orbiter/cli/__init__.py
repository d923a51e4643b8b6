"""The command line: one file per command, named like it.

Each defines the options, calls the core, prints the result and sets the exit code. Nothing else
prints.
"""
