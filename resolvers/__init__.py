"""Resolvers: one module a manager, each turning requirements into that manager's native lock file.

They know nothing of releases, images or templates, and never import ``orbiter``. ``resolvers.managers`` is
the table of them.
"""
