"""Locks of packages from git repositories, which the tests make and git serves on loopback."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from resolvers.errors import ExpectedError
from resolvers.index import direct as direct_files
from resolvers.index import index as package_index
from resolvers.pip import direct
from resolvers.pip import manager as pip
from resolvers.types.packages import LockFiles, Pin
from resolvers.types.request import LockWarning, Upgrade
from tests.support.acme_repository import BACKEND, BUILD, FILES, Repository
from tests.support.git_server import GitServer, git_server
from tests.support.pip_cases import AMD64, check_lock, only_index, request, versions, written
from tests.support.wheel_index import WheelIndex

pytestmark = pytest.mark.index  # Poetry is installed from the index
ENGINES = pytest.mark.parametrize("engine", ["poetry", "uv"])


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WheelIndex]:
    """Configure an index with the dependencies as the only one, and an empty cache."""
    with only_index(monkeypatch) as served:
        served.add("beta", "1.0")
        served.add("gamma", "1.0")
        monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
        yield served


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "git") as served:
        yield served


def lock(
    engine: str, *requirements: str, previous: LockFiles | None = None, **changes: object
) -> LockFiles:
    package_index._index.cache_clear()  # as in a new process
    plain = request(engine, *requirements, previous=previous, as_of=None, sources=("acme",))
    return pip.resolve(msgspec.structs.replace(plain, **changes))


def acme(files: LockFiles) -> Pin:
    (pin,) = (pin for pin in pip.select(files, AMD64, ("base-build",)) if pin.name == "acme")
    return pin


def content_of(pin: Pin) -> bytes:
    content = direct_files.cached_path(pin.artifact.hash).read_bytes()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == pin.artifact.hash
    return content


@ENGINES
def test_a_tag_is_locked_to_its_commit_and_an_archive(
    engine: str, index: WheelIndex, server: GitServer, tmp_path: Path
) -> None:
    index.add("acme", "9.0")  # a higher version on the index does not count
    repository = Repository(server)
    commit = repository.commit(FILES, tag="v1.0")
    address = f"git+{repository.url}@v1.0"
    files = lock(engine, f"acme[more] @ {address} ; sys_platform == 'linux'", "beta")
    assert versions(files) == {"acme": "1.0", "beta": "1.0", "gamma": "1.0"}
    pin = acme(files)
    assert pin.artifact.source == f"git:{repository.url}@{commit}"
    assert pin.artifact.file == "acme-1.0.tar.gz"
    check = check_lock(engine, written(files, tmp_path))
    assert check.returncode == 0, check.stderr
    with tarfile.open(fileobj=io.BytesIO(content_of(pin))) as tar:
        members = tar.getmembers()
    assert [each.name for each in members] == sorted(f"acme-1.0/{name}" for name in FILES)
    assert {(each.mtime, each.mode, each.uid, each.uname) for each in members} == {
        (946684800, 0o644, 0, "")
    }


@ENGINES
@pytest.mark.usefixtures("index")
def test_a_moved_tag_stays_until_an_upgrade(engine: str, server: GitServer) -> None:
    repository = Repository(server)
    before = repository.commit(FILES, tag="v1.0")
    requirement = f"acme @ git+{repository.url}@v1.0"
    first = lock(engine, requirement)
    after = repository.commit({"src/acme.py": "x = 2\n"}, tag="v1.0")
    assert lock(engine, requirement, previous=first) == first
    second = lock(engine, requirement, "gamma", previous=first)
    assert acme(second).artifact.source.endswith(before)
    for upgrade in (Upgrade(packages={"acme": ""}), Upgrade(everything=True)):
        third = lock(engine, requirement, "gamma", previous=second, upgrade=upgrade)
        assert acme(third).artifact.source.endswith(after)
        assert acme(third).artifact.hash != acme(first).artifact.hash


@pytest.mark.usefixtures("index")
def test_another_machine_makes_the_same_archive_from_git(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(server)
    attributes = "*.py export-subst eol=crlf\nREADME export-ignore\n"
    files = {**FILES, ".gitattributes": attributes, "README": "text\n", "run.sh": "exit\n"}
    files["version.py"] = "names = '$Format:%d %h$'\n"
    repository.commit(files)
    (repository.folder / "run.sh").chmod(0o755)
    (repository.folder / "link").symlink_to("README")
    commit = repository.commit({}, tag="v1.0")
    pin = acme(lock("uv", f"acme @ git+{repository.url}@{commit}"))
    content = content_of(pin)
    repository.git("tag", "another-name")  # which %d would show
    repository.commit({"more.py": "y = 1\n"})
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "other machine"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.autocrlf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    direct_files.index_file(pin.artifact)
    assert content_of(pin) == content
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        modes = {each.name.partition("/")[2]: each.mode for each in tar if each.isfile()}
        version = tar.extractfile("acme-1.0/version.py")
        assert version
        assert version.read() == files["version.py"].encode()
        assert tar.getmember("acme-1.0/link").linkname == "README"
    assert modes["run.sh"] == 0o755
    assert modes["README"] == 0o644
    assert gzip.decompress(content)[257:262] == b"ustar"


@pytest.mark.usefixtures("index")
def test_a_changed_archive_is_refused(server: GitServer) -> None:
    repository = Repository(server)
    repository.commit(FILES, tag="v1.0")
    pin = acme(lock("uv", f"acme @ git+{repository.url}@v1.0"))
    changed = msgspec.structs.replace(pin.artifact, hash=f"sha256:{'0' * 64}")
    with pytest.raises(ExpectedError, match="is another file now"):
        direct_files.index_file(changed)


@ENGINES
@pytest.mark.usefixtures("index")
def test_a_package_in_a_folder_whose_version_comes_from_the_tag(
    engine: str, server: GitServer
) -> None:
    # As setuptools-scm does, which is not on this index.
    scm = (
        "import os\n"
        "path = os.path.join(os.path.dirname(__file__), 'PKG-INFO')\n"
        "lines = open(path).read() if os.path.exists(path) else (\n"
        "    'Version: ' + os.environ['SETUPTOOLS_SCM_PRETEND_VERSION'])\n"
        "VERSION = lines.partition('Version: ')[2].partition('Version: ')\n"
        "VERSION = (VERSION[2] or VERSION[0]).split()[0]\n"
    )
    build = BACKEND.partition("def build_wheel")[0].replace("1.0", '" + VERSION + "')
    build += (
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    import zipfile\n"
        "    wheel = 'acme-' + VERSION + '-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(os.path.join(folder, wheel), 'w') as file:\n"
        "        file.writestr('acme-' + VERSION + '.dist-info/METADATA', \n"
        "            'Metadata-Version: 2.1\\nName: acme\\nVersion: ' + VERSION + '\\n')\n"
        "    return wheel\n"
    )
    repository = Repository(server, "lab")
    files = {"python/pyproject.toml": BUILD, "python/backend.py": scm + build, "other.txt": ""}
    repository.commit(files, tag="acme-v2.5")
    address = f"git+{repository.url}@acme-v2.5#subdirectory=python"
    pin = acme(lock(engine, f"acme @ {address}"))
    assert pin.version == "2.5"
    with tarfile.open(fileobj=io.BytesIO(content_of(pin))) as tar:
        names = tar.getnames()
    assert names == [f"acme-2.5/{name}" for name in ("PKG-INFO", "backend.py", "pyproject.toml")]


@pytest.mark.usefixtures("index")
def test_what_the_repository_lacks_is_reported(server: GitServer) -> None:
    repository = Repository(server)
    repository.commit(FILES, tag="v1.0")
    url = f"git+{repository.url}"
    cases = {
        f"acme @ {url}@v2.0": "has no tag or branch 'v2.0'",
        f"acme @ {url}@{'0' * 40}": f"git cannot read {repository.url}: ",
        f"acme @ {url}@v1.0#subdirectory=absent": ":absent",
        f"other @ {url}@v1.0": "is the package 'acme', not 'other'",
        f"acme @ git+{server.repository_url('absent')}@v1.0": "git cannot read http://127.0.0.1:",
        "acme @ git+http://127.0.0.1:1/acme@v1.0": "git cannot read http://127.0.0.1:1/acme: ",
    }
    for requirement, message in cases.items():
        with pytest.raises(ExpectedError) as caught:
            lock("uv", requirement)
        assert message in caught.value.message
        assert caught.value.hint


@pytest.mark.usefixtures("index")
def test_a_package_that_no_stage_may_build_is_reported(server: GitServer) -> None:
    repository = Repository(server)
    repository.commit(FILES, tag="v1.0")
    with pytest.raises(ExpectedError) as caught:
        pip.resolve(request("uv", f"acme @ git+{repository.url}@v1.0", as_of=None))
    assert 'pip-sdist = ["acme"]' in caught.value.hint


@pytest.mark.usefixtures("index")
def test_a_branch_moves_only_with_an_upgrade_and_the_default_one_has_no_name(
    server: GitServer,
) -> None:
    repository = Repository(server)
    commit = repository.commit(FILES)
    for address in (f"git+{repository.url}", f"git+{repository.url}@main"):
        assert acme(lock("uv", f"acme @ {address}")).artifact.source.endswith(commit)


def test_as_of_refuses_a_later_commit(index: WheelIndex, server: GitServer) -> None:
    repository = Repository(server)
    repository.commit(tag="v1.0")
    index.add("beta", "1.0", upload_time="2024-01-01T00:00:00Z")
    address = f"git+{repository.url}@v1.0"
    with pytest.raises(ExpectedError, match=r"of \d{4}-\d\d-\d\d, later than --as-of"):
        lock("uv", f"acme @ {address}", as_of=datetime(2024, 5, 1, tzinfo=UTC))


@pytest.mark.usefixtures("index")
def test_submodules_are_a_warning(server: GitServer) -> None:
    repository = Repository(server)
    commit = repository.commit(FILES)
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendored")
    repository.git("commit", "--quiet", "--message=Add a submodule")
    found: list[LockWarning] = []
    lock("uv", f"acme @ git+{repository.url}", warn=found.append)
    assert [each.text for each in found] == [
        "the submodule vendored of its repository is not part of it"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "git:file:///etc@" + "0" * 40,
        "git:ext::sh@" + "0" * 40,
        "git:https://host/repository@main",
        "git:https://host/a b@" + "0" * 40,
        "git:https://host/repository@" + "0" * 40 + "#../up",
        "git:--upload-pack=x@" + "0" * 40,
    ],
)
def test_a_hostile_source_is_refused(source: str) -> None:
    table = {
        "name": "acme",
        "version": "1.0",
        "reference": "git+https://host/repository",
        "source": source,
        "file": "acme-1.0.tar.gz",
        "hash": f"sha256:{'0' * 64}",
        "size": 1,
    }
    text = msgspec.toml.encode({"package": [table]}).decode()
    with pytest.raises(ExpectedError, match="is not a source of acme"):
        direct.read({direct.FILE: text})
