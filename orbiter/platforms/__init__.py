"""Files for platforms that run Orbiter or its images, such as CI services."""
