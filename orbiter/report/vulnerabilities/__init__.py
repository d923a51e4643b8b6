"""Reports on the vulnerabilities of a lock, or on those that differ between two locks."""
