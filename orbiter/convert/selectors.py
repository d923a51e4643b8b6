"""Selectors, which restrict an entry of environment.yml to some systems.

conda-lock writes them as a comment, ``# [win]``, and micromamba as a key, ``sel(win)``. Their words
are defined in https://conda.github.io/conda-lock/src_environment_yml/.
"""

from collections.abc import Mapping

SYSTEMS: Mapping[str, frozenset[str]] = {
    "linux/amd64": frozenset({"linux", "linux64", "unix"}),
    "linux/arm64": frozenset({"linux", "aarch64", "unix"}),
}
"""The words that are true on each platform."""
OTHER_SYSTEMS = frozenset({"osx", "osx64", "arm64", "win", "win32", "win64", "ppc64le"})
WORDS = frozenset().union(*SYSTEMS.values(), OTHER_SYSTEMS)


def selector_conflict(selector: str, platforms: tuple[str, ...]) -> str:
    """Return the reason why an entry with this selector is not for all platforms, "" if it is.

    Other words in brackets are not selectors; conda ignores them as well.
    """
    words = selector.split()
    is_positive = words[:1] != ["not"]
    names = words if is_positive else words[1:]
    if not WORDS.intersection(names):
        return ""
    if len(names) > 1:
        return f"the selector [{selector}] is not supported: check whether the images need it"
    name = names[0]
    matching = [platform for platform in platforms if (name in SYSTEMS[platform]) == is_positive]
    if len(matching) == len(platforms):
        return ""
    if matching:
        return (
            f"it is only for {', '.join(matching)}, but lists in images.toml are for all platforms"
        )
    return f"it is only for systems other than {', '.join(platforms)}"
