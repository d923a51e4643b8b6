"""Security advisories in the OSV format: their records, an index, and those of locked packages."""
