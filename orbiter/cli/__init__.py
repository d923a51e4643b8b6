"""The command line: one file per command, and what the commands share.

A command defines the options, calls the core, prints the result and sets the exit code. Nothing
else prints.
"""
