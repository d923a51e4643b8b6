"""The explicit file of one platform, which conda, mamba and micromamba install without solving.

Format: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html,
"Building identical conda environments": after ``@EXPLICIT`` one address per line, followed by ``#``
and the hash of the file.
"""

from collections.abc import Collection, Mapping

from resolvers.conda.lock_file import CondaEntry, select_entries
from resolvers.conda.requirements import subdir
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target

# Both heads are part of rendered build folders, so another wording changes files of lock sets.
HEAD = """\
# Written by Orbiter: the packages of {groups}, each after those that it needs.
# Install them with: micromamba create -n YOURENV --file THIS-FILE
"""
HEAD_OF_ADDITIONS = """\
# Written by Orbiter: what {groups} adds to {without}, each package after those that it needs.
"""
PYTHON = "python"


def format_explicit(
    files: LockFiles, target: Target, groups: tuple[str, ...], without: tuple[str, ...] = ()
) -> str:
    """Return the packages of ``groups`` that the groups ``without`` do not install. Pure.

    Raises ExpectedError if the lock file lacks the target's platform.
    """
    entries = select_entries(files, target, groups)
    excluded = select_entries(files, target, without)
    dependencies = {
        name: sorted(entries.keys() & entry.dependencies.keys()) for name, entry in entries.items()
    }
    order = installation_order(dependencies)
    lines = [_line(entries[name]) for name in order if name not in excluded]
    own = ", ".join(group for group in groups if group not in without)
    head = HEAD.format(groups=own)
    if excluded:
        head = HEAD_OF_ADDITIONS.format(groups=own, without=", ".join(without))
    return "\n".join([f"{head}# platform: {subdir(target.platform)}", "@EXPLICIT", *lines]) + "\n"


def _line(entry: CondaEntry) -> str:
    # In explicit files an md5 has no prefix, and a sha256 needs one.
    return f"{entry.url}#{entry.hash.md5 or f'sha256:{entry.hash.sha256}'}"


def installation_order(dependencies: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return names so that each follows its dependencies, otherwise sorted by name.

    A cycle is cut where it closes. Python and its dependencies come first, because installing a
    package may run Python. A dependency of Python that itself needs Python, as pip did in the past,
    follows it.
    """
    before_python = [
        name for name in dependencies.get(PYTHON, ()) if PYTHON not in _closure(dependencies, name)
    ]
    graph = {**dependencies, PYTHON: before_python}
    ordered: dict[str, None] = {}
    for root in (PYTHON, *sorted(dependencies)):
        path = [root] if root in dependencies and root not in ordered else []
        while path:
            # The path holds the names that wait for their dependencies.
            pending = [name for name in graph[path[-1]] if name not in ordered and name not in path]
            if pending:
                path.append(pending[0])
            else:
                ordered[path.pop()] = None
    return tuple(ordered)


def _closure(dependencies: Mapping[str, Collection[str]], name: str) -> set[str]:
    """Return a name and all its direct and indirect dependencies."""
    closure: set[str] = set()
    pending = [name]
    while pending:
        current = pending.pop()
        if current not in closure:
            closure.add(current)
            pending += dependencies[current]
    return closure
