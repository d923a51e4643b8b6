"""The parts that apk and apt share: lock files, pins, scripts and the Python of the base image."""
