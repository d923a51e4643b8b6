"""The table of managers; each one's module is imported at its first use, as some import slowly."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from resolvers.types.resolver import Resolver

if TYPE_CHECKING:
    from resolvers.apk import manager as apk
    from resolvers.apt import manager as apt
    from resolvers.conda import manager as conda
    from resolvers.npm import manager as npm
    from resolvers.pip import manager as pip

    # import_module hides the modules' types from mypy; here it checks that they fit the protocol.
    CHECKED: tuple[Resolver, ...] = (apk, apt, conda, pip, npm)


class _Managers(Mapping[str, Resolver]):
    """Maps the name of a manager to its module."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getitem__(self, name: str) -> Resolver:
        if name not in self._names:
            raise KeyError(name)
        return cast("Resolver", import_module(f"resolvers.{name}.manager"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


MANAGERS: Mapping[str, Resolver] = _Managers("apk", "apt", "conda", "pip", "npm")
"""All managers, in the order in which a stage installs their packages."""
