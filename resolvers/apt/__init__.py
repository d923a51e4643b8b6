"""Debian packages, resolved by apt itself inside the pinned base image.

For a base made of packages, apt runs in Debian's own image, of any platform.

manager.py satisfies resolvers.types.resolver.Resolver and lock_file.py is the lock format. solve.py
runs facts.sh and solve.sh in a container; base.py and index.py read their output.
"""
