"""Input and output types of a resolver, the same for every manager.

A resolver turns a ``Request`` into lock files (``LockFiles``), reads lock files into ``Package``
objects, and selects the ``Pin`` objects that a stage installs on a ``Target``.
"""
