"""A page about one release: its images, sizes, changes, vulnerabilities and licences."""
