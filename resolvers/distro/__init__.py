"""What apk and apt have in common: lock text, the base image's Python."""
