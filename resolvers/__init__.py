"""Package managers: each one turns requirements into its native lock files.

The resolvers know managers and indexes, but no releases, images or templates, and never import
``orbiter``. ``resolvers.managers`` is the table of all managers, ``resolvers.types`` their common
interface.
"""
