"""An order of stages or sets in which parents come first."""

from collections.abc import Callable, Mapping


def parents_first(
    parents: Mapping[str, tuple[str, ...]], on_cycle: Callable[[tuple[str, ...]], None]
) -> tuple[str, ...]:
    """Return the names so that parents come first, otherwise sorted.

    Every cycle is passed to ``on_cycle`` and then ignored. graphlib does not fit: it stops at the
    first cycle, and it orders by levels, which would change the snapshots in lock sets.
    """
    ordered: dict[str, None] = {}

    def visit(name: str, descendants: tuple[str, ...]) -> None:
        if name in descendants:
            on_cycle(descendants[descendants.index(name) :])
        elif name not in ordered:
            for parent in parents[name]:
                visit(parent, (*descendants, name))
            ordered[name] = None

    for name in sorted(parents):
        visit(name, ())
    return tuple(ordered)
