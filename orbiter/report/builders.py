"""Text report of the packages whose versions differ between builders."""

from orbiter.diff.builders import BuilderDifference
from orbiter.report.phrases import many


def format_differences(found: tuple[BuilderDifference, ...]) -> str:
    """The differences as ``orbiter lock`` tells them: a line for each package that was asked for; the rest counted."""
    asked = [each for each in found if each.direct]
    rest = len(found) - len(asked)
    differ = f"{many(len(found), 'package')} {'differs' if len(found) == 1 else 'differ'} between builders"
    if not asked:
        return f"{differ}, none that was asked for by name"
    more = [f"and {rest:,} more that nobody asked for by name"] if rest else []
    return "\n    ".join([f"{differ}:", *map(_line, asked), *more])


def _line(difference: BuilderDifference) -> str:
    """``numpy 2.5.5 alpine and debian, 2.4.0 micromamba``."""
    builders: dict[tuple[str, ...], list[str]] = {}
    for builder, versions in difference.versions.items():
        builders.setdefault(versions, []).append(builder)
    having = (
        f"{' and '.join(versions)} {' and '.join(names)}" for versions, names in builders.items()
    )
    return f"{difference.name} {', '.join(having)}"
