"""Facts from packages in the store."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import zstandard

from orbiter.sbom.artifacts import with_artifact_facts
from orbiter.sbom.collect import bill_of
from orbiter.sbom.formats import format_bill
from orbiter.sbom.model import Bill, Component
from orbiter.store.store import Store
from resolvers import cache
from resolvers.errors import ExpectedError
from tests.support.conda_packages import package
from tests.support.deb_files import deb
from tests.support.sbom_lock_sets import release
from tests.support.wheel_index import sdist, wheel

CLASSIFIER = "Classifier: License :: OSI Approved ::"


def bill(*components: Component) -> Bill:
    return Bill(
        name="a",
        release="0.1.0",
        root="sha256:0",
        serial="0",
        time="2026-01-01T00:00:00Z",
        orbiter="0",
        images=(),
        components=components,
    )


def component(manager: str, file: str, content: bytes, store: Store) -> Component:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    store.add(content, digest)
    return Component(
        ref=file,
        manager=manager,
        name=file.partition("_")[0],
        version="1.0",
        purl="pkg:deb/debian/tool@1.0?arch=amd64&upstream=tool",
        file=file,
        hash=digest,
    )


def facts(manager: str, file: str, content: bytes, folder: Path) -> Component:
    store = Store(folder / "store")
    (found,) = with_artifact_facts(bill(component(manager, file, content, store)), store).components
    return found


@pytest.mark.parametrize(
    ("headers", "license_"),
    [
        (["License-Expression: MIT OR Apache-2.0", "License: x"], "MIT OR Apache-2.0"),
        ([f"{CLASSIFIER} MIT License", "License: see file"], "MIT"),
        (
            [f"{CLASSIFIER} BSD License", "License: BSD-3-Clause"],
            "BSD-3-Clause",
        ),
        ([f"{CLASSIFIER} BSD License"], "BSD License"),
        (["License: UNKNOWN"], ""),
        ([f"License: {'Permission is hereby granted ' * 9}"], ""),
        ([], ""),
    ],
)
def test_the_licence_of_a_wheel(headers: list[str], license_: str, tmp_path: Path) -> None:
    name, content = wheel("tool", "1.0", *headers)
    assert facts("pip", name, content, tmp_path).license == license_


def test_an_sdist_without_a_licence(tmp_path: Path) -> None:
    name, content = sdist("tool", "1.0")
    assert facts("pip", name, content, tmp_path).license == ""


def test_the_source_of_a_debian_package(tmp_path: Path) -> None:
    found = facts("apt", "tool_1.0_amd64.deb", deb(more="Source: gcc (1.220)\n"), tmp_path)
    assert found.source_package == "gcc 1.220"
    assert found.purl == "pkg:deb/debian/tool@1.0?arch=amd64&upstream=gcc%401.220"
    assert found.maintainer == "T <t@example.org>"
    own = facts("apt", "tool_1.0_amd64.deb", deb(), tmp_path)
    assert own.source_package == "tool 1.0"
    assert own.purl.endswith("upstream=tool")


def tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_the_licence_of_conda_packages(tmp_path: Path) -> None:
    old = package("tool", "1.0", {})
    assert facts("conda", old.file, old.content, tmp_path).license == ""
    info = tar({"info/index.json": json.dumps({"license": "PSF-2.0"}).encode()})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("info-tool-1.0-0.tar.zst", zstandard.compress(info))
    new = facts("conda", "tool-1.0-0.conda", buffer.getvalue(), tmp_path)
    assert new.license == "PSF-2.0"


@pytest.mark.parametrize(
    ("manager", "file"),
    [
        ("pip", "a.whl"),
        ("pip", "a.tar.gz"),
        ("conda", "a.conda"),
        ("conda", "a.tar.bz2"),
        ("apt", "a.deb"),
    ],
)
def test_a_broken_package_is_named(manager: str, file: str, tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match=f"^{file} is not a package"):
        facts(manager, file, b"broken", tmp_path)


def test_missing_packages_are_reported_together(tmp_path: Path) -> None:
    lock_set = release("0.2.0")
    with pytest.raises(ExpectedError, match=r"384 of 384 packages are not in the store") as error:
        with_artifact_facts(bill_of(lock_set, ("debian-base",)), Store(tmp_path))
    assert error.value.hint == "run orbiter fetch --release 0.2.0"


def test_a_changed_package_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name, content = wheel("tool", "1.0", "License-Expression: MIT")
    wanted = bill(component("pip", name, content, store))
    assert "MIT" in format_bill(with_artifact_facts(wanted, store), "spdx-2.3")
    path = store.path(wanted.components[0].hash)
    path.chmod(0o644)
    path.write_bytes(content.replace(b"MIT", b"ISC"))
    with pytest.raises(ExpectedError, match="was changed in the store"):
        with_artifact_facts(wanted, store)


def test_packages_are_read_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    name, content = wheel("tool", "1.0", "License-Expression: MIT")
    before = bill(component("pip", name, content, store))
    assert with_artifact_facts(before, store).components[0].license == "MIT"
    (file,) = cache.folder("facts").iterdir()
    file.write_bytes(file.read_bytes().replace(b"MIT", b"ISC"))
    assert with_artifact_facts(before, store).components[0].license == "ISC"


def test_a_damaged_cache_is_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    name, content = wheel("other", "1.0", "License-Expression: MIT")
    before = bill(component("pip", name, content, store))
    first = with_artifact_facts(before, store)
    for file in cache.folder("facts").iterdir():
        file.write_bytes(b"\xc1")
    assert with_artifact_facts(before, store) == first
