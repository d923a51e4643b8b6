"""Bills of materials attached to images in a small registry on the loopback interface.

tests/engine/test_sign.py attaches one in a real registry.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.cli.sbom import SBOM_FORMATS
from orbiter.lockset import folder as lockset_folder
from orbiter.oci.referrers import list_artifacts
from orbiter.sbom.attach import MEDIA_TYPES
from orbiter.sbom.collect import bill_of
from orbiter.sbom.formats import format_bill
from tests.support.push_registry import PushRegistry, registry
from tests.support.signed_releases import IMAGE, RELEASE, Published, lock_set_for, publish

OTHER = "micromamba-base"


@pytest.fixture
def served() -> Iterator[PushRegistry]:
    with registry() as target:
        yield target


@pytest.fixture
def here(served: PushRegistry, tmp_path: Path) -> Published:
    return publish(tmp_path, f"{served.server.host}/team/images")


def attached(here: Published, file_format: str, image: str = IMAGE) -> list[str]:
    artifacts = list_artifacts(here.repository, here.digest(image), MEDIA_TYPES[file_format])
    return [here.repository.read_blob(file.digest).decode() for (file,) in artifacts]


@pytest.mark.parametrize("lists_referrers", [False, True])
def test_each_image_gets_its_own_bill(
    here: Published, served: PushRegistry, lists_referrers: bool
) -> None:
    served.lists_referrers = lists_referrers
    done = here.orbiter("sbom", "--attach")
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines[f"{here.name}:{here.tag()}"] == f"{here.digest()}  attached"
    assert len(lines) == 3
    assert "warning: the SBOM does not list everything in" in done.stderr
    for image in (IMAGE, OTHER):
        expected = format_bill(bill_of(here.lock_set, (image,)), "cyclonedx-1.6")
        assert attached(here, "cyclonedx-1.6", image) == [expected]


def test_formats_are_kept_beside_each_other(here: Published, served: PushRegistry) -> None:
    for file_format in ("spdx-2.3", "cyclonedx-1.7"):
        words = ("sbom", "--attach", "--image", IMAGE, "--format", file_format)
        assert here.orbiter(*words).stdout.endswith("  attached\n")
        before = dict(served.manifests)
        assert here.orbiter(*words).stdout.endswith("  already attached\n")
        assert served.manifests == before
    (document,) = attached(here, "spdx-2.3")
    assert json.loads(document)["spdxVersion"] == "SPDX-2.3"
    (document,) = attached(here, "cyclonedx-1.7")
    assert json.loads(document)["specVersion"] == "1.7"


def test_an_image_of_another_lock_set_gets_no_bill(here: Published, served: PushRegistry) -> None:
    changed = here._replace(folder=here.folder / "locked again")
    locked = lock_set_for(changed.folder, here.name, orbiter="0.2.0")
    lockset_folder.write(locked, changed.folder / "locks" / RELEASE)
    before = dict(served.manifests)
    done = changed.orbiter("sbom", "--attach", "--image", IMAGE)
    assert done.returncode == 2
    problem = f"was built from the lock set {here.lock_set.root}, but locks/0.1.0 has {locked.root}"
    assert problem in done.stderr
    assert served.manifests == before


@pytest.mark.parametrize("words", [("--platform", "linux/amd64"), ("--output", "bill.json")])
def test_options_that_exclude_each_other(here: Published, words: tuple[str, ...]) -> None:
    done = here.orbiter("sbom", "--attach", *words)
    assert done.returncode == 2
    assert f"error: --attach and {words[0]} exclude each other" in done.stderr
    assert not (here.folder / "bill.json").exists()


def test_every_format_has_a_media_type() -> None:
    assert (*MEDIA_TYPES,) == SBOM_FORMATS
