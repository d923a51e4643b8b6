"""Environment locks of mamba."""

import gzip
import json
from typing import Any

import pytest

from orbiter.lockfiles import mamba
from orbiter.lockfiles.types import PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks" / "mamba"
MD5 = "d7c89558ba9fa0495403155b64376d81"
XZ: dict[str, Any] = {
    "name": "xz",
    "version": "5.8.1",
    "channel": "conda-forge",
    "hash": {"md5": MD5},
}


def lock(packages: dict[str, Any], version: str = "1.0.1", **more: Any) -> str:
    return json.dumps(
        {
            "lockVersion": version,
            "platform": "linux-64",
            "channels": ["conda-forge"],
            "packages": packages,
            **more,
        }
    )


@pytest.mark.parametrize(("step", "count", "asked"), [(1, 109, "conda-lock"), (2, 30, "fastapi")])
def test_real_files(step: int, count: int, asked: str) -> None:
    text = gzip.decompress(
        (DATA / f"envlockfile-check-step-{step}-linux-64.json.gz").read_bytes()
    ).decode()
    assert mamba.recognises(text)
    found = mamba.read("a.json", text)
    packages = found.packages[Scope("", "linux-64")]
    assert len(packages) == len(json.loads(text)["packages"]) == count
    assert [package.name for package in packages if package.direct] == [asked]
    assert all(package.build and package.source == "conda-forge" for package in packages)
    assert found.facts == {"channels": {"in order": "conda-forge"}}
    assert not found.notes


def test_python_packages_and_notes() -> None:
    wheel = {"name": "Foo_Bar", "version": "1.0"}
    text = lock({"zlib-1-0.conda": XZ}, pipPackages={"foo_bar-1.0-py3-none-any.whl": wheel})
    found = mamba.read("a.json", text)
    assert found.notes == ("xz 5.8.1 lists the file zlib-1-0.conda, which is not its own",)
    python = found.packages[Scope("", "linux-64")][1]
    assert (python.manager, python.name) == ("pip", "foo-bar")
    assert python.files == (PackageFile("foo_bar-1.0-py3-none-any.whl", ()),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            lock({}, "2.0.0"),
            "a.json: mamba's lock format 2.0.0 is not supported (newest supported version: 1.x)",
        ),
        (lock({"xz.conda": XZ}), "a.json: 'xz.conda' is not the name of a conda package file"),
        (
            lock({"xz-5.8.1-0.conda": {**XZ, "hash": {"md5": "d7c8"}}}),
            "a.json: the package xz: 'd7c8' is not a valid md5",
        ),
        (
            lock({"xz-5.8.1-0.conda": {"name": "xz"}}),
            "a.json: packages[...]: Object missing required field `version`",
        ),
        (lock({})[:-5], "a.json:1: Expecting ':' delimiter"),
    ],
)
def test_errors_contain_the_line(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        mamba.read("a.json", text)
    assert caught.value.message == expected
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "known"), [(lock({}), True), ('{"lockfileVersion": 3}', False), ("lockVersion", False)]
)
def test_recognised_by_content(text: str, known: bool) -> None:
    assert mamba.recognises(text) is known
