"""A small real lock set, rendered by the present templates or as if by older ones.

``orbiter lock`` made the lock files in tests/data/lock-set/small/ with Debian trixie and a package
index. Its build folder was left out, because the templates change.
"""

from collections.abc import Mapping
from functools import cache

from msgspec.structs import replace

from orbiter.lockset import folder, model
from orbiter.lockset.model import ASSEMBLY, LockSet, Manifest
from orbiter.render.derived import plan_of
from orbiter.render.dockerfile import render
from orbiter.render.version import template_version
from tests.support.paths import TESTS

PROJECT = TESTS / "data" / "lock-set" / "small"


@cache
def small() -> LockSet:
    """Return the lock set as this version of Orbiter renders it."""
    kept = folder.read(PROJECT / "locks" / "0.1.0")
    return rendered(kept.manifest, kept.files)


@cache
def older() -> LockSet:
    """Return the lock set without a template version, as older versions of Orbiter wrote it."""
    return model.seal(replace(small().manifest, templates=""), small().files)


def rendered(manifest: Manifest, files: Mapping[str, str]) -> LockSet:
    """Return a lock set of these lock files with the build folder that follows from them."""
    current = replace(manifest, assembly=ASSEMBLY, templates=template_version())
    build = render(plan_of(model.seal(current, files)))
    return model.seal(current, {**files, **{f"build/{name}": build[name] for name in build}})


def changed(lock_set: LockSet, files: Mapping[str, str | None]) -> LockSet:
    """Return a lock set with other files and a root digest that fits; None removes a file."""
    merged = {**lock_set.files, **files}
    kept = {path: text for path, text in merged.items() if text is not None}
    return model.seal(lock_set.manifest, kept)
