"""A lock set with the requirements of pip-tools gives the build folder of the other engines."""

import pytest
from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.lockfiles import lock_set as lock_set_format
from orbiter.lockset import model
from orbiter.lockset.inputs import inputs_digest, locked_files
from orbiter.lockset.model import LockSet, LockSetError
from orbiter.render import derived
from resolvers.pip import manager as pip
from resolvers.types.packages import Package
from tests.support.lock_sets import changed, rendered, small

BUILDER = "debian"
STAGE = "debian-base"
OUTPUT = f"requirements-{STAGE}-linux-amd64.txt"
OTHER_LOCKS = {"uv.lock", "poetry.lock"}


def with_pip_tools() -> LockSet:
    """Return the small lock set with its own versions in the files of pip-tools."""
    files = locked_files(small(), BUILDER, "pip")
    kept = {path: text for path, text in small().files.items() if not path.startswith("build/")}
    for name in files.keys() & OTHER_LOCKS:
        del kept[f"{BUILDER}/{name}"]
    packages = [package for package in pip.read(files) if STAGE in package.groups]
    artifacts = [artifact for package in packages for artifact in package.artifacts]
    lines = (f"{each.hash.removeprefix('sha256:')}  {each.file}\n" for each in artifacts)
    image_set = small().image_set
    builder = replace(image_set.builders[BUILDER], pip_engine="pip-tools")
    image_set = replace(image_set, builders={**image_set.builders, BUILDER: builder})
    kept |= {
        "images.toml": snapshot.dump(image_set),
        f"{BUILDER}/requirements-{STAGE}.in": "",
        f"{BUILDER}/{OUTPUT}": "".join(map(requirement, packages)),
        f"{BUILDER}/requirements.sha256": "".join(lines),
    }
    manifest = small().manifest
    facts = manifest.builders[BUILDER]
    digest = inputs_digest(image_set, builder, "pip", facts, manifest.bases[builder.base])
    facts = replace(facts, inputs={**facts.inputs, "pip": digest})
    return rendered(replace(manifest, builders={**manifest.builders, BUILDER: facts}), kept)


def requirement(package: Package) -> str:
    hashes = " \\\n".join(f"    --hash={artifact.hash}" for artifact in package.artifacts)
    return f"{package.name}=={package.version} \\\n{hashes}\n"


def test_a_build_does_not_depend_on_the_engine() -> None:
    lock_set = with_pip_tools()
    derived.derive(lock_set)
    assert lock_set.builder_files("build") == small().builder_files("build")
    ours, theirs = (lock_set_format.as_lock(each, "").packages for each in (lock_set, small()))
    versions = [
        {scope: [(each.name, each.version) for each in scoped] for scope, scoped in lock.items()}
        for lock in (ours, theirs)
    ]
    assert versions[0] == versions[1]


@pytest.mark.parametrize(
    "name", ["requirements-other-linux-amd64.txt", f"requirements-{STAGE}-linux-arm64.txt"]
)
def test_requirements_of_an_unknown_stage_or_platform_are_refused(name: str) -> None:
    edited = changed(with_pip_tools(), {f"{BUILDER}/{name}": "# more\n"})
    with pytest.raises(LockSetError, match=f"{name}: Orbiter writes no such file"):
        derived.derive(edited)


def test_requirements_are_refused_if_another_engine_is_used() -> None:
    edited = changed(small(), {f"{BUILDER}/{OUTPUT}": "# more\n"})
    with pytest.raises(LockSetError, match="Orbiter writes no such file"):
        derived.derive(edited)


def test_a_version_that_contradicts_its_file_is_a_fault() -> None:
    text = with_pip_tools().files[f"{BUILDER}/{OUTPUT}"]
    other = model.seal(
        with_pip_tools().manifest,
        {**with_pip_tools().files, f"{BUILDER}/{OUTPUT}": text.replace("==", "==9", 1)},
    )
    (fault,) = lock_set_format.faults(other)
    assert fault.startswith(f"{BUILDER}/requirements.sha256: ")
    assert "has no file of" in fault
