"""The table of managers; it stands apart from the package so that importing an error does not import them all."""

from collections.abc import Mapping

from resolvers import apt, conda, npm, pip
from resolvers.types import Resolver

MANAGERS: Mapping[str, Resolver] = {"apt": apt, "conda": conda, "pip": pip, "npm": npm}
"""Every manager that Orbiter knows, in the order in which a stage installs."""
