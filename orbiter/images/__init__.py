"""Images that were built on this machine: listing, running and removing them."""
