"""Selectors, by which one environment.yml serves several systems: conda-lock's ``# [win]``, micromamba's ``sel(win)``.

What each word means is told by https://conda.github.io/conda-lock/src_environment_yml/. Pure.
"""

from collections.abc import Mapping

SYSTEMS: Mapping[str, frozenset[str]] = {
    "linux/amd64": frozenset({"linux", "linux64", "unix"}),
    "linux/arm64": frozenset({"linux", "aarch64", "unix"}),
}
"""What is true of each platform."""
WORDS = frozenset().union(
    *SYSTEMS.values(), {"osx", "osx64", "arm64", "win", "win32", "win64", "ppc64le"}
)


def unfit(selector: str, platforms: tuple[str, ...]) -> str:
    """Why what has this selector cannot stand in a list for all the platforms; "" when it can.

    Words that are no selector mean nothing, as to conda itself.
    """
    words = selector.split()
    wanted = words[:1] != ["not"]
    names = words if wanted else words[1:]
    if not WORDS.intersection(names):
        return ""
    if len(names) > 1:
        return f"Orbiter does not read the selector [{selector}]: see yourself whether the images need it"
    fitting = [platform for platform in platforms if (names[0] in SYSTEMS[platform]) == wanted]
    if len(fitting) == len(platforms):
        return ""
    if fitting:
        return (
            f"it is for {', '.join(fitting)} alone, and a list of images.toml is for all platforms"
        )
    return f"it is for other systems than {', '.join(platforms)}"
