"""What a manager's lock files were solved from, so that nothing is solved again that nobody changed. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from orbiter.config import stage_graph
from orbiter.config.image_set import Builder, CondaSettings, ImageSet
from orbiter.lockset import model
from orbiter.lockset.model import BuilderFacts, LockSet

LOCK_FILES: Mapping[str, tuple[str, ...]] = {
    "apk": ("apk.lock",),
    "apt": ("apt.lock",),
    "conda": ("environment.yml", "virtual-packages.yml", "conda-lock.yml"),
    "pip": ("pyproject.toml", "poetry.lock", "uv.lock", "build-requirements.txt"),
    "npm": ("package.json", "package-lock.json"),
}
"""The names of each manager's lock files, in the order in which a stage installs."""


def locked_files(locked: LockSet | None, builder: str, manager: str) -> dict[str, str]:
    """The lock files of one manager in a lock set by name; empty where there are none."""
    return locked.builder_files(builder, LOCK_FILES[manager]) if locked else {}


def inputs_digest(
    image_set: ImageSet,
    builder: Builder,
    manager: str,
    facts: BuilderFacts,
    bases: Mapping[str, str],
) -> str:
    """The digest of all that one manager's lock files are solved from; "" when nothing is asked of it.

    ``bases`` are the base image's digests by platform. What pip finds of conda's is in ``facts``.
    """
    asked = stage_graph.groups(image_set, builder.name, manager)
    if not asked:
        return ""
    everything = [asked, image_set.platforms, _of_manager(builder, facts, bases).get(manager, {})]
    return model.digest(msgspec.json.encode(everything, order="sorted").decode())


def _of_manager(
    builder: Builder, facts: BuilderFacts, bases: Mapping[str, str]
) -> Mapping[str, object]:
    glibc, musl = dict(facts.glibc), dict(facts.musl)
    conda = builder.conda or CondaSettings()
    asked_of_conda = {
        "channels": conda.channels,
        "priority": conda.priority,
        "virtual": dict(conda.virtual),
    }
    return {
        "apk": {"bases": dict(bases)},
        "apt": {"suite": builder.suite} if builder.suite else {"bases": dict(bases)},
        "conda": {**asked_of_conda, "engine": conda.engine, "glibc": glibc},
        "pip": {"engine": builder.pip_engine, "python": facts.python, "glibc": glibc}
        | ({"conda": facts.conda} if facts.conda else {})
        | ({"musl": musl} if musl else {}),
    }


def unlocked_parts(
    image_set: ImageSet,
    bases: Mapping[str, Mapping[str, str]],
    builders: Mapping[str, BuilderFacts],
) -> tuple[str, ...]:
    """Which parts are not locked as asked, each as ``builder debian: apt``; empty for a complete lock set."""
    return tuple(
        f"builder {name}: {part}"
        for name, builder in image_set.builders.items()
        for part in _unlocked_parts(
            image_set, builder, bases.get(builder.base, {}), builders.get(name, BuilderFacts())
        )
    )


def _unlocked_parts(
    image_set: ImageSet, builder: Builder, bases: Mapping[str, str], facts: BuilderFacts
) -> Iterator[str]:
    if builder.base and not bases.keys() >= set(image_set.platforms):
        yield "base image"
    for manager in LOCK_FILES:
        if inputs_digest(image_set, builder, manager, facts, bases) != facts.inputs.get(
            manager, ""
        ):
            yield manager
