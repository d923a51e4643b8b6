"""Recording the digests of built images, and comparing later builds with the record."""
