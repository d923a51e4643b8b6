"""A lock set.

Its types, its folder under locks/, what each lock was solved from, and the record of a release.
"""
