"""From an image and its lock set to a verdict on every file of the image."""
