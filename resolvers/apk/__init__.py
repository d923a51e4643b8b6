"""Alpine packages, resolved by apk itself inside the pinned base image.

manager.py satisfies resolvers.types.resolver.Resolver and lock_file.py is the lock format. solve.py
runs facts.sh and solve.sh in a container; base.py and index.py read their output.
"""
