"""Rules that explain files of no package: each one gives the content that such a file must have."""
