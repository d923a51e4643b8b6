"""Images that were built on this machine: listing, running, removing, and their audits."""
