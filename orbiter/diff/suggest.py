"""The next release that semantic versioning suggests for a diff.

The interface of an image are the packages that users request by name. The first matching rule
determines the step:

- **major**: a direct requirement was removed or downgraded, or its major number changed; the minor
  number of Python changed; an image or a platform was removed.
- **minor**: a direct requirement was added or its minor number changed; any other package was
  added, removed or downgraded, or its major number changed; an image or a platform was added.
- **patch**: any other difference.

Before 1.0.0, minor replaces major: https://semver.org, item 4, allows any change.
"""

from msgspec.structs import replace

from orbiter.diff import versions
from orbiter.diff.types import Change, Diff, Fact, Step, Suggestion

PYTHON = frozenset({"python", "python3"})
SCOPE_FACTS = frozenset({"image", "platform"})
STEPS: tuple[Step, ...] = ("major", "minor", "patch")


def with_suggestion(diff: Diff) -> Diff:
    """Return the diff with its suggestion."""
    reasons = [(_step_of_change(change), _describe(change)) for change in diff.changes]
    reasons += [(_step_of_fact(fact), f"{fact.kind} {fact.name}") for fact in diff.facts]
    reasons += [("patch", file.path) for file in diff.files if file.kind != "kept"]
    if not reasons:
        return diff
    # The first of several equal steps: changes are sorted by importance.
    step, reason = min(reasons, key=lambda item: STEPS.index(item[0]))
    core = diff.old.release.partition("-")[0]
    if step == "major" and core.startswith("0."):
        step = "minor"
    release = bump_release(core, step) if core else ""
    return replace(diff, suggestion=Suggestion(step=step, release=release, reason=reason))


def _step_of_change(change: Change) -> Step:
    if change.name in PYTHON and change.step in {"major", "minor"}:
        return "major"
    if change.kind in {"removed", "downgraded"} or change.step == "major":
        return "major" if change.direct else "minor"
    if change.kind == "added" or (change.direct and change.step == "minor"):
        return "minor"
    return "patch"


def _step_of_fact(fact: Fact) -> Step:
    is_scope = fact.kind in SCOPE_FACTS
    if is_scope and fact.new and not fact.old:
        return "minor"
    if is_scope and fact.old and not fact.new:
        return "major"
    if fact.kind == "python" and fact.old and fact.new:
        step = versions.version_step("pip", fact.old, fact.new)
        return "major" if step in {"major", "minor"} else "patch"
    return "patch"


def _describe(change: Change) -> str:
    old, new = ", ".join(change.old), ", ".join(change.new)
    if change.kind in {"added", "removed", "rebuilt", "moved"}:
        return f"{change.name} {new or old} {change.kind}"
    if not old:
        return f"{change.name} now also {new}"
    return f"{change.name} {old} → {new}" if new else f"{change.name} no longer {old}"


def bump_release(release: str, step: Step) -> str:
    """Return the release after another of three numbers; any step below minor is a patch."""
    major, minor, patch = (int(number) for number in release.split("."))
    if step == "major":
        return f"{major + 1}.0.0"
    if step == "minor":
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
