"""The Python distributions in conda packages, read from the packages' own file lists."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from resolvers.conda import manager as conda
from resolvers.conda.lock_file import CondaEntry, FileHashes
from resolvers.conda.python_names import CondaDistribution, distributions_in, provided_distributions
from resolvers.errors import ExpectedError
from tests.support.conda_world import AMD64, base, record, repodata, request
from tests.support.loopback import Answer, Server, serving

ENTRY = CondaEntry(
    name="pytorch-cpu", version="2.1", platform="linux-64", url="u", hash=FileHashes(sha256="s")
)


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
def test_metadata_paths_name_the_distribution(paths: list[str], found: dict[str, str]) -> None:
    assert {each.name: each.version for each in distributions_in(paths, ENTRY)} == found
    assert {each.package for each in distributions_in(paths, ENTRY)} <= {"pytorch-cpu"}


def archive(*paths: str) -> bytes:
    """Return a conda package that contains only its list of files."""
    entries = [
        {"_path": path, "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 0}
        for path in paths
    ]
    content = json.dumps({"paths": entries, "paths_version": 1}).encode()
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
        record("missing", "1", "python"),
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


def test_each_package_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving() as server:
        files = conda.resolve(request(offer(server), base("torchy")))
        found = provided_distributions(files, AMD64, (base().name,))
    assert found == (CondaDistribution(name="torch", version="1.0", package="torchy"),)
    assert provided_distributions(files, AMD64, (base().name,)) == found
    assert provided_distributions(files, AMD64, ("another",)) == ()


def test_a_missing_package_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving() as server:
        files = conda.resolve(request(offer(server), base("missing")))
        with pytest.raises(
            ExpectedError, match="the files of the conda package missing 1 cannot be listed"
        ):
            provided_distributions(files, AMD64, (base().name,))
