"""The release that semantic versioning suggests for a diff. Pure.

An image's interface is what people asked for by name. The rule, by the first line that holds:

- **major**: a direct requirement went away, went down, or changed its major number; Python's minor number changed; an
  image or a platform went away.
- **minor**: a direct requirement came or changed its minor number; any other package came, went, went down, or changed
  its major number; an image or a platform came.
- **patch**: anything else that differs.

Before 1.0.0 a major step is told as a minor one, as https://semver.org has it (item 4: anything may change).
"""

from msgspec.structs import replace

from orbiter.diff import versions
from orbiter.diff.types import Change, Diff, Fact, Step, Suggestion

PYTHON = frozenset({"python", "python3"})
PLACES = frozenset({"image", "platform"})
ORDER: tuple[Step, ...] = ("major", "minor", "patch")


def with_suggestion(diff: Diff) -> Diff:
    """The diff with its suggestion."""
    weighed = [(_weight(change), _words(change)) for change in diff.changes]
    weighed += [(_weight_of_fact(fact), f"{fact.kind} {fact.name}") for fact in diff.facts]
    if not weighed:
        return diff
    step, reason = min(
        weighed, key=lambda each: ORDER.index(each[0])
    )  # the first of them: changes are in order
    core = diff.old.release.partition("-")[0]
    if step == "major" and core.startswith("0."):
        step = "minor"
    release = bump_release(core, step) if core else ""
    return replace(diff, suggestion=Suggestion(step=step, release=release, reason=reason))


def _weight(change: Change) -> Step:
    if change.name in PYTHON and change.step in {"major", "minor"}:
        return "major"
    if change.kind in {"removed", "downgraded"} or change.step == "major":
        return "major" if change.direct else "minor"
    if change.kind == "added" or (change.direct and change.step == "minor"):
        return "minor"
    return "patch"


def _weight_of_fact(fact: Fact) -> Step:
    if fact.kind == "python" and fact.old and fact.new:
        return (
            "major" if versions.step("pip", fact.old, fact.new) in {"major", "minor"} else "patch"
        )
    if fact.kind not in PLACES:
        return "patch"
    return (
        "minor" if fact.new and not fact.old else "major" if fact.old and not fact.new else "patch"
    )


def _words(change: Change) -> str:
    if change.kind in {"added", "removed", "rebuilt", "moved"}:
        return f"{change.name} {', '.join(change.new or change.old)} {change.kind}"
    return f"{change.name} {', '.join(change.old)} → {', '.join(change.new)}"


def bump_release(release: str, step: Step) -> str:
    """The release that is a step, patch for any small one, after another one of three numbers."""
    major, minor, patch = (int(part) for part in release.split("."))
    if step == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if step == "minor" else f"{major}.{minor}.{patch + 1}"
