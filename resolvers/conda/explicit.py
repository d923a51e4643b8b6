"""The explicit file of one platform, which conda, mamba and micromamba install as it is, without solving.

Format: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html, "Building identical
conda environments": after ``@EXPLICIT`` an address a line, with the hash of the file behind a ``#``.
"""

from collections.abc import Collection, Mapping

from resolvers.conda import lock_file
from resolvers.conda.lock_file import FILE, CondaEntry
from resolvers.conda.requirements import subdir
from resolvers.errors import ExpectedError
from resolvers.types import LockFiles, Target

HEAD = """\
# Written by Orbiter: the packages of {groups}, each after those that it needs.
# Install them with: micromamba create -n YOURENV --file THIS-FILE
"""
HEAD_OF_MORE = """\
# Written by Orbiter: what {groups} adds to {without}, each package after those that it needs.
"""
PYTHON = "python"


def explicit(
    files: LockFiles, target: Target, groups: tuple[str, ...], without: tuple[str, ...] = ()
) -> str:
    """What the groups install on the target's platform, but for the packages that the groups ``without`` have. Pure.

    Raises ExpectedError where the lock file does not have the platform.
    """
    entries = _entries(files, target, groups)
    there = _entries(files, target, without)
    needs = {
        name: sorted(entries.keys() & entry.dependencies.keys()) for name, entry in entries.items()
    }
    lines = [_line(entries[name]) for name in in_order(needs) if name not in there]
    own = ", ".join(group for group in groups if group not in without)
    head = (
        HEAD_OF_MORE.format(groups=own, without=", ".join(without))
        if there
        else HEAD.format(groups=own)
    )
    return "\n".join([f"{head}# platform: {subdir(target.platform)}", "@EXPLICIT", *lines]) + "\n"


def _entries(files: LockFiles, target: Target, groups: tuple[str, ...]) -> dict[str, CondaEntry]:
    """The packages of groups on the target's platform by name."""
    if FILE not in files:
        return {}
    lock, name = lock_file.parse(files), subdir(target.platform)
    if name not in lock.hashes:
        raise ExpectedError(
            f"{FILE} is not locked for {target.platform}", "lock for this platform: orbiter lock"
        )
    return {each.name: each for each in lock.of(name) if each.category in groups}


def _line(entry: CondaEntry) -> str:
    return f"{entry.url}#{entry.hash.md5 or f'sha256:{entry.hash.sha256}'}"


def in_order(needs: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Names so that each follows those it needs, otherwise by name; circles are cut where they close.

    Python and what it needs go first, since installing a package may run it; what it needs that needs Python itself
    (as pip has been) follows it.
    """
    cut = {
        **needs,
        PYTHON: [each for each in needs.get(PYTHON, ()) if PYTHON not in _reach(needs, each)],
    }
    done: dict[str, None] = {}
    for root in (PYTHON, *sorted(needs)):
        trail = [root] if root in needs and root not in done else []
        while trail:
            waiting = next(
                (each for each in cut[trail[-1]] if each not in done and each not in trail), None
            )
            if waiting is None:
                done[trail.pop()] = None
            else:
                trail.append(waiting)
    return tuple(done)


def _reach(needs: Mapping[str, Collection[str]], name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        if (each := waiting.pop()) not in found:
            found.add(each)
            waiting += needs[each]
    return found
