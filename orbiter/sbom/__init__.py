"""From a lock set to the list of everything in an image (SBOM), without a network or an engine."""
