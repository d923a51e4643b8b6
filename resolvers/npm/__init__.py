"""npm: packages of JavaScript, solved by npm itself.

The module manager.py implements resolvers.types.resolver.Resolver and lock_file.py is the lock
format. The other modules run npm behind a proxy of its registries.
"""
