"""Orbiter: a dependency resolver and lockfile-first image builder."""

__version__ = "0.1.0"
