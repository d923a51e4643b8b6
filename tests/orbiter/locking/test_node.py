"""The rule that stages with npm packages have Node.js, on the lock files of a release."""

import pytest
from msgspec.structs import replace

from orbiter.config.image_set import ImageSet, Stage
from orbiter.locking.node import check_node
from orbiter.lockset import folder
from resolvers.errors import ExpectedError
from resolvers.types.packages import Artifact, Pin
from tests.support.paths import ROOT

LOCK_SET = folder.read(ROOT / "locks/0.2.0")
FILES = {"apt": LOCK_SET.builder_files("debian", ("apt.lock",))}


def with_parent(name: str, parent: str) -> ImageSet:
    """Return the released image set with another parent for one stage."""
    image_set = LOCK_SET.image_set
    stages = tuple(
        replace(stage, parent=parent) if stage.name == name else stage for stage in image_set.stages
    )
    return replace(image_set, stages=stages)


def no_node(_platform: str) -> bool:
    return False


def test_locked_packages_of_a_parent_provide_node() -> None:
    check_node(LOCK_SET.image_set, "debian", FILES, no_node)


@pytest.mark.parametrize("stage", ["debian-base-build", "debian-base"])
def test_every_stage_with_npm_packages_needs_node(stage: str) -> None:
    image_set = with_parent(stage, "debian")
    with pytest.raises(ExpectedError) as caught:
        check_node(image_set, "debian", FILES, no_node)
    assert caught.value.message == f"images.toml: {stage} has npm packages, but no Node.js"
    assert f'add "nodejs" to the apt list of {stage}' in caught.value.hint


def test_node_of_the_base_image_counts() -> None:
    asked = []

    def base_has_node(platform: str) -> bool:
        asked.append(platform)
        return True

    check_node(with_parent("debian-base", "debian"), "debian", FILES, base_has_node)
    assert asked == ["linux/amd64"]


def test_a_requirement_that_the_base_image_meets_counts() -> None:
    stage = Stage(
        name="debian-core",
        builder="debian",
        image="core",
        kind="final",
        requirements={"apt": ("nodejs=20.19.2+dfsg-1",), "npm": ("semver",)},
    )
    check_node(replace(LOCK_SET.image_set, stages=(stage,)), "debian", {}, no_node)
    without = replace(stage, requirements={"apt": ("nodejs-doc",), "npm": ("semver",)})
    with pytest.raises(ExpectedError, match=r"no Node\.js"):
        check_node(replace(LOCK_SET.image_set, stages=(without,)), "debian", {}, no_node)


def test_node_of_conda_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Conda:
        """Select the packages of a lock with Node.js."""

        def select(self, _files: object, _target: object, groups: tuple[str, ...]) -> list[Pin]:
            artifact = Artifact(file="nodejs.conda", hash="sha256:0", source="")
            found = "micromamba-base-build" in groups
            return [Pin(name="nodejs", version="24.0.0", artifact=artifact)] * found

    stages = (
        stage("base-build", kind="build", requirements={"conda": ("nodejs",), "npm": ("semver",)}),
        stage("base", build="micromamba-base-build"),
    )
    monkeypatch.setattr("orbiter.locking.node.MANAGERS", {"conda": Conda()})
    image_set = replace(LOCK_SET.image_set, stages=stages)
    check_node(image_set, "micromamba", {"conda": {"conda-lock.yml": "a"}}, no_node)
    with pytest.raises(ExpectedError, match=r"micromamba-base-build has npm packages, but no Node"):
        check_node(image_set, "micromamba", {}, no_node)


def stage(name: str, **more: object) -> Stage:
    fields = {"name": f"micromamba-{name}", "builder": "micromamba", "image": "base"}
    return Stage(**{"kind": "final", **fields, **more})  # type: ignore[arg-type]
