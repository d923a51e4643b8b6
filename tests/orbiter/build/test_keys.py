"""The keys of images: what changes them, and what does not."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from orbiter.build import keys as keys_module
from orbiter.build.inputs import build_definition
from orbiter.build.keys import image_keys
from orbiter.config import snapshot
from orbiter.config.image_set import OwnFile, Stage
from orbiter.config.layer_keys import Compression
from orbiter.fetch.fill import artifacts_by_stage
from orbiter.lockset import model
from orbiter.lockset.model import LockSet
from orbiter.lockset.own_files import kept_path
from orbiter.render.derived import Derived, derive
from orbiter.store.artifact_list import LockedFile
from tests.support.lock_sets import changed, older, small
from tests.support.oci_images import AMD64, ARM64

CORE, BASE, BUILD = "debian-core", "debian-base", "debian-base-build"
EXTRA = LockedFile(path="apt/x.deb", hash="sha256:" + "7" * 64, size=7, source="apt:x.deb")


class Inputs:
    """The arguments of ``image_keys``, made from a real lock set, and with one more build stage."""

    def __init__(self, lock_set: LockSet | None = None) -> None:
        self.lock_set = lock_set or small()
        self.derived: Derived = derive(self.lock_set)
        self.definition = build_definition(self.derived, self.lock_set.root)
        self.artifacts = {**artifacts_by_stage(self.lock_set)}
        self.compression: Compression = "zstd"
        self.add_build_stage()

    def add_build_stage(self) -> None:
        core, base = self.lock_set.image_set.stages
        build = replace(base, name=BUILD, kind="build")
        self.set_stages((core, build, replace(base, build=BUILD)))
        self.artifacts[BUILD, AMD64] = self.artifacts[BASE, AMD64]
        self.definition["target"][BUILD] = {}
        files = {**self.derived.files, f"{BUILD}/Dockerfile": ""}
        self.derived = replace(self.derived, files=files)

    def keys(self) -> dict[str, str]:
        """Return the keys of the stages for the only platform."""
        found = image_keys(
            self.lock_set, self.derived, self.definition, self.artifacts, self.compression
        )
        return {name: key for (name, platform), key in found.items() if platform == AMD64}

    def set_text(self, path: str) -> None:
        files = {**self.derived.files, path: self.derived.files[path] + "# changed\n"}
        self.derived = replace(self.derived, files=files)

    def set_stage(self, name: str, **keys: Any) -> None:
        """Change keys of a stage, and nothing that is derived from them."""
        stages = self.lock_set.image_set.stages
        self.set_stages(
            tuple(replace(stage, **keys) if stage.name == name else stage for stage in stages)
        )

    def set_stages(self, stages: tuple[Stage, ...]) -> None:
        text = snapshot.dump(replace(self.lock_set.image_set, stages=stages))
        self.lock_set = changed(self.lock_set, {**self.files(), "images.toml": text})

    def files(self) -> Mapping[str, str]:
        return {kept_path(own_file(text)): text for text in ("one", "other")}


def own_file(text: str) -> OwnFile:
    sha256 = model.digest(text).removeprefix("sha256:")
    return OwnFile(source="x", sha256=sha256, size=len(text), target="/x", mode="0644")


def different(change: Callable[[Inputs], None]) -> set[str]:
    """Return the stages whose key a change gives another value."""
    inputs = Inputs()
    before = inputs.keys()
    change(inputs)
    after = inputs.keys()
    assert after.keys() == before.keys() == {CORE, BASE, BUILD}
    return {name for name in before if before[name] != after[name]}


def _artifact(inputs: Inputs, stage: str) -> None:
    inputs.artifacts[stage, AMD64] = (*inputs.artifacts[stage, AMD64], EXTRA)


def _other_hash(inputs: Inputs) -> None:
    first, *rest = inputs.artifacts[CORE, AMD64]
    inputs.artifacts[CORE, AMD64] = (replace(first, hash=EXTRA.hash), *rest)


def _compression(inputs: Inputs) -> None:
    inputs.compression = "gzip"


def _created(inputs: Inputs) -> None:
    manifest = replace(inputs.lock_set.manifest, source_date_epoch=1)
    inputs.lock_set = model.seal(manifest, inputs.lock_set.files)


def _target(inputs: Inputs, stage: str) -> None:
    targets = inputs.definition["target"]
    inputs.definition = {"target": {**targets, stage: {**targets[stage], "args": {"A": "1"}}}}


ALL = {CORE, BASE, BUILD}


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        (lambda inputs: inputs.set_text(f"{CORE}/Dockerfile"), ALL),
        (lambda inputs: inputs.set_text(f"{BUILD}/Dockerfile"), {BASE, BUILD}),
        (lambda inputs: inputs.set_text(f"{BASE}/Dockerfile"), {BASE}),
        (lambda inputs: inputs.set_text(f"{BASE}/packages-linux-amd64.json"), {BASE}),
        (lambda inputs: _artifact(inputs, BUILD), {BASE, BUILD}),
        (_other_hash, ALL),
        (lambda inputs: _target(inputs, BASE), {BASE}),
        (lambda inputs: inputs.set_stage(CORE, files=(own_file("one"),)), ALL),
        (lambda inputs: inputs.set_stage(BASE, trim=("tests",)), {BASE}),
        (lambda inputs: inputs.set_stage(CORE, trim=("docs",)), ALL),
        (_compression, ALL),
        (_created, ALL),
    ],
    ids=[
        "Dockerfile of the parent",
        "Dockerfile of the build stage",
        "Dockerfile",
        "list of packages",
        "one more artifact",
        "hash of an artifact",
        "target of the bake file",
        "own file",
        "trim",
        "trim of the parent",
        "compression",
        "time of the lock set",
    ],
)
def test_a_change_gives_another_key_to_the_stages_that_depend_on_it(
    change: Callable[[Inputs], None], stages: set[str]
) -> None:
    assert different(change) == stages


def test_the_content_of_an_own_file_changes_the_key() -> None:
    keys = []
    for text in ("one", "other"):
        inputs = Inputs()
        inputs.set_stage(BASE, files=(own_file(text),))
        keys.append(inputs.keys())
    assert keys[0][BASE] != keys[1][BASE]
    assert keys[0][CORE] == keys[1][CORE]


def test_the_root_digest_alone_does_not_change_a_key() -> None:
    lock_set = small()
    other = model.seal(replace(lock_set.manifest, tools={"uv": "9"}), lock_set.files)
    assert other.root != lock_set.root
    assert Inputs(other).keys() == Inputs(lock_set).keys()


def test_the_order_of_artifacts_does_not_change_a_key() -> None:
    def turn(inputs: Inputs) -> None:
        inputs.artifacts = {name: files[::-1] for name, files in reversed(inputs.artifacts.items())}

    assert different(turn) == set()


def test_the_layout_of_the_lock_set_does_not_matter() -> None:
    def rename(inputs: Inputs) -> None:
        inputs.artifacts = {
            name: tuple(replace(file, source="url:https://example.org/x") for file in files)
            for name, files in inputs.artifacts.items()
        }

    assert different(rename) == set()


def test_another_version_of_the_rules_gives_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Inputs().keys()
    monkeypatch.setattr(keys_module, "ASSEMBLY", 2)
    assert {*before.values()}.isdisjoint(Inputs().keys().values())


def test_platforms_with_the_same_files_have_different_keys() -> None:
    inputs = Inputs()
    image_set = replace(inputs.lock_set.image_set, platforms=(AMD64, ARM64))
    files = {**inputs.files(), "images.toml": snapshot.dump(image_set)}
    found = image_keys(
        changed(inputs.lock_set, files),
        inputs.derived,
        inputs.definition,
        {(CORE, platform): inputs.artifacts[CORE, AMD64] for platform in (AMD64, ARM64)},
        "zstd",
    )
    assert found.keys() == {(CORE, AMD64), (CORE, ARM64)}
    assert found[CORE, AMD64] == inputs.keys()[CORE] != found[CORE, ARM64]


def test_a_platform_that_is_not_built_has_no_keys() -> None:
    inputs = Inputs()
    inputs.artifacts = {}
    assert inputs.keys() == {}


def test_keys_are_hexadecimal_and_differ() -> None:
    keys = Inputs().keys()
    assert len({*keys.values()}) == len(keys)
    assert all(len(key) == 64 and int(key, 16) for key in keys.values())
    assert Inputs(older()).keys() == keys
