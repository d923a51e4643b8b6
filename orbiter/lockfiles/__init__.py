"""Lock files as they are found in the world: recognised by content, read into one shape."""
