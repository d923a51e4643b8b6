"""Every locked file on this machine, named by its hash."""
