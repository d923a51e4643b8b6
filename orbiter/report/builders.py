"""Text report of the packages whose versions differ between builders."""

from orbiter.diff.builders import BuilderDifference
from orbiter.report.phrases import count_of


def format_differences(differences: tuple[BuilderDifference, ...]) -> str:
    """Return a line for each package that images.toml requests, and the number of all others."""
    direct = [difference for difference in differences if difference.direct]
    verb = "differs" if len(differences) == 1 else "differ"
    summary = f"{count_of(len(differences), 'package')} {verb} between builders"
    if not direct:
        return f"{summary}; images.toml requests none of them by name"
    lines = [f"{summary}:", *map(_format_difference, direct)]
    if others := len(differences) - len(direct):
        lines.append(f"and {others:,} more that images.toml does not request by name")
    return "\n    ".join(lines)


def _format_difference(difference: BuilderDifference) -> str:
    """Format a package: ``numpy 2.5.5 alpine and debian, 2.4.0 micromamba``."""
    builders: dict[tuple[str, ...], list[str]] = {}
    for builder, versions in difference.versions.items():
        builders.setdefault(versions, []).append(builder)
    parts = (
        f"{' and '.join(versions)} {' and '.join(names)}" for versions, names in builders.items()
    )
    return f"{difference.name} {', '.join(parts)}"
