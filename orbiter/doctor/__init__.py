"""Checks of this machine and of the servers that it asks, with the requests of other commands."""
