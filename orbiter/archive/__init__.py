"""Whole releases, archived in a folder, a tar file or a registry."""
