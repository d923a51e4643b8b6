"""The tests of images: commands and notebooks that must run in a built image."""
