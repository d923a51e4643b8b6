"""Which Python distributions conda's packages bring, told by the packages themselves."""

import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolvers.conda import manager as conda
from resolvers.conda.lock_file import CondaEntry, Hash
from resolvers.conda.python_names import Distribution, distributions, provided
from resolvers.errors import ExpectedError
from tests.support.conda_world import AMD64, base, record, repodata, request
from tests.support.loopback import Answer, Server, serving

ENTRY = CondaEntry(
    name="pytorch-cpu", version="2.1", platform="linux-64", url="u", hash=Hash(sha256="s")
)


@pytest.fixture(scope="module", autouse=True)
def _calm_end() -> Iterator[None]:
    yield
    time.sleep(0.3)  # see orbiter/cli/exit.py


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (
            ["lib/python3.12/site-packages/torch-2.1.0.dist-info/METADATA", "lib/x"],
            {"torch": "2.1.0"},
        ),
        (
            ["site-packages/Foo_Bar-1.0.dist-info/RECORD", "site-packages/foo/__init__.py"],
            {"foo-bar": "1.0"},
        ),
        (["lib/python3.9/site-packages/old-0.3-py3.9.egg-info/PKG-INFO"], {"old": "0.3"}),
        (
            ["lib/python3.9/site-packages/distutils_made-0.3-py3.9.egg-info"],
            {"distutils-made": "0.3"},
        ),
        (["site-packages/plain.egg-info/PKG-INFO"], {"plain": "2.1"}),
        (["site-packages/a-1.dist-info/X", "site-packages/b-2.dist-info/X"], {"a": "1", "b": "2"}),
        (["site-packages/vendor/_vendor/inner-1.dist-info/METADATA", "bin/tool"], {}),
    ],
)
def test_metadata_tells_name_and_version(paths: list[str], found: dict[str, str]) -> None:
    assert {each.name: each.version for each in provided(paths, ENTRY)} == found
    assert {each.package for each in provided(paths, ENTRY)} <= {"pytorch-cpu"}


def archive(*paths: str) -> bytes:
    """A package of conda that has nothing but its list of files."""
    listed = [
        {"_path": path, "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 0}
        for path in paths
    ]
    content = json.dumps({"paths": listed, "paths_version": 1}).encode()
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:bz2") as tar:
            info = tarfile.TarInfo("info/paths.json")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        return file.getvalue()


def offer(server: Server) -> str:
    packages = [
        record("torchy", "1", "python"),
        record("python", "3.12"),
        record("gone", "1", "python"),
    ]
    for subdir in ("linux-64", "noarch"):
        index = (
            repodata(packages, subdir)
            .replace(b".conda", b".tar.bz2")
            .replace(b"packages.tar.bz2", b"packages.conda")
        )
        data = json.loads(index)
        data["packages"], data["packages.conda"] = data["packages.conda"], {}
        server.replies[f"/c/{subdir}/repodata.json"] = Answer(200, json.dumps(data).encode())
    content = archive("site-packages/Torch-1.0.dist-info/METADATA")
    server.replies["/c/noarch/torchy-1-0.tar.bz2"] = Answer(200, content)
    return f"{server.url}/c"


def test_packages_are_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving() as server:
        files = conda.resolve(request(offer(server), base("torchy")))
        found = distributions(files, AMD64, (base().name,))
    assert found == (Distribution(name="torch", version="1.0", package="torchy"),)
    assert distributions(files, AMD64, (base().name,)) == found
    assert distributions(files, AMD64, ("another",)) == ()


def test_a_package_that_cannot_be_had_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving() as server:
        files = conda.resolve(request(offer(server), base("gone")))
        with pytest.raises(
            ExpectedError, match="the files of the conda package gone 1 cannot be listed"
        ):
            distributions(files, AMD64, (base().name,))
