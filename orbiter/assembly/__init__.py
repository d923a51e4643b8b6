"""From the file systems that BuildKit made to layers and images: the same bytes by any engine."""
