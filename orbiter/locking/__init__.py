"""From an ImageSet to a LockSet; the only place where resolvers solve."""
