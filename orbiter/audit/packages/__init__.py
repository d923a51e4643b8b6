"""The files that packages install, read from the packages in the store."""
