"""conda packages, resolved by rattler or conda-lock.

manager.py satisfies resolvers.types.resolver.Resolver, lock_file.py is the lock format, the rest
runs the engines.
"""
