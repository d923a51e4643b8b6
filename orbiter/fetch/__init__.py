"""From a lock set to a filled store: locating the locked files and downloading them."""
