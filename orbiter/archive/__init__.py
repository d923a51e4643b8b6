"""Whole releases kept in a folder, a tar file or a registry."""
