"""The entrypoint, command and variables of a base image: read once, and then kept."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.config.runtime import Runtime
from orbiter.locking import builder as locking
from orbiter.locking.base_variables import base_variables, check_base_variables
from orbiter.locking.environment import LocalEnvironment
from orbiter.locking.work import LockOptions, LockRun
from orbiter.lockset.model import BuilderFacts, LockSet, Manifest, seal
from orbiter.oci.base_image import BaseStart
from resolvers.errors import ExpectedError

BASE, PLATFORM = "registry.example/stacks:1", "linux/amd64"
OLD, NEW = f"sha256:{1:064}", f"sha256:{2:064}"
STACKS = BaseStart(("tini", "--"), ("start-notebook.py",))
IMAGE_SET = ImageSet(
    version="0.1.0",
    repository="a/b",
    platforms=(PLATFORM,),
    builders={"debian": Builder(name="debian", base=BASE)},
    stages=(),
)


class Registry(LocalEnvironment):
    """An environment that only answers about base images, or does not answer at all."""

    def __init__(self, answer: BaseStart | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def base_start(self, reference: str, digest: str) -> BaseStart:
        self.asked.append(f"{reference}@{digest}")
        if self.answer is None:
            raise ExpectedError("the base image cannot be read")
        return self.answer


def no_shell(script: str, *, platform: str, cache: str = "") -> str:
    raise AssertionError(script, platform, cache)


def previous(facts: BuilderFacts) -> LockSet:
    manifest = Manifest(
        release="0.1.0",
        cutoff="2026-11-01T00:00:00Z",
        source_date_epoch=1,
        bases={BASE: {PLATFORM: OLD}},
        builders={"debian": facts},
    )
    return seal(manifest, {"images.toml": snapshot.dump(IMAGE_SET)})


def start(
    registry: Registry,
    digest: str,
    facts: BuilderFacts | None,
    only: tuple[str, ...] = (),
    wanted: tuple[str, ...] = (),
) -> BaseStart:
    run = LockRun(
        image_set=IMAGE_SET,
        previous=previous(facts) if facts else None,
        options=LockOptions(now=datetime.now(UTC), only=only),
        environment=registry,
        start_task=lambda _title: lambda _line: None,
        as_of=None,
        bases={BASE: {PLATFORM: digest}},
    )
    builder_run = locking._BuilderRun(
        run=run,
        builder=IMAGE_SET.builders["debian"],
        bases=run.bases[BASE],
        shell=no_shell,
    )
    return locking._base_start(builder_run, wanted)


def test_a_new_base_image_is_read() -> None:
    for facts in (None, BuilderFacts(command=("bash",))):
        registry = Registry(STACKS)
        assert start(registry, NEW, facts) == STACKS
        assert registry.asked == [f"{BASE}@{NEW}"]
        with pytest.raises(ExpectedError, match="cannot be read"):
            start(Registry(None), NEW, facts)


def test_the_same_base_image_is_not_read_again() -> None:
    known = BuilderFacts(entrypoint=STACKS.entrypoint, command=STACKS.command)
    registry = Registry(None)
    assert start(registry, OLD, known) == STACKS
    assert registry.asked == []


def test_an_older_lock_set_learns_it_if_the_registry_answers() -> None:
    assert start(Registry(STACKS), OLD, BuilderFacts()) == STACKS
    assert start(Registry(None), OLD, BuilderFacts()) == BaseStart()
    registry = Registry(STACKS)
    assert start(registry, OLD, BuilderFacts(), only=("pip",)) == BaseStart()
    assert registry.asked == []


def test_an_unknown_variable_of_the_same_base_image_is_read() -> None:
    answer = replace(STACKS, variables=("CONDA_DIR", "GOPATH"))
    known = BuilderFacts(command=("bash",), variables=("GOPATH",))
    registry = Registry(answer)
    assert start(registry, OLD, known, wanted=("GOPATH",)).variables == ("GOPATH",)
    assert registry.asked == []
    assert start(registry, OLD, known, wanted=("CONDA_DIR",)) == answer
    with pytest.raises(ExpectedError, match="cannot be read"):
        start(Registry(None), OLD, known, wanted=("CONDA_DIR",))


def test_variables_that_only_the_base_image_can_set() -> None:
    runtimes = {
        "core": Runtime(env={"A": "${GOPATH}/${HOME}", "B": "${A}${B}"}, workdir="${X}/a"),
        "base": Runtime(env={"C": "${A}${B}$${Y}${GOPATH}"}, workdir="${C}"),
    }
    stages = tuple(
        Stage(
            name=f"debian-{image}",
            builder="debian",
            image=image,
            kind="final",
            parent="debian-core" if image == "base" else "",
            runtime=runtime,
        )
        for image, runtime in runtimes.items()
    )
    wanted = base_variables(replace(IMAGE_SET, stages=stages), "debian")
    assert wanted == {
        "B": "image.debian.core.env.B",
        "GOPATH": "image.debian.core.env.A",
        "X": "image.debian.core.workdir",
    }
    check_base_variables(wanted, ("B", "GOPATH", "X"), BASE)
    with pytest.raises(ExpectedError) as caught:
        check_base_variables(wanted, ("B", "X"), BASE)
    assert caught.value.message == (
        "images.toml: image.debian.core.env.A: refers to ${GOPATH}, which neither images.toml nor "
        f"the base image {BASE} sets"
    )
    assert caught.value.hint.startswith("add GOPATH to env")
