"""The builder micromamba on a real engine, with packages of a real channel and made-up ones."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolvers.conda import manager as conda_manager
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target
from tests.support import micromamba
from tests.support.byte_code import invalid_byte_code
from tests.support.conda_packages import CondaPackage, channel, package
from tests.support.loopback import Answer, Server, serving
from tests.support.notebook import run_notebook
from tests.support.paths import QUICK_ORBITER, ROOT
from tests.support.served_image import SERVE, Built, inside, running
from tests.support.syft import unlisted

pytestmark = [
    pytest.mark.engine,
    pytest.mark.index,
    pytest.mark.skipif(
        "ORBITER_WORLD_CONDA_1" not in os.environ,
        reason="needs the address of a channel in ORBITER_WORLD_CONDA_1",
    ),
]

REPLACEMENTS = {
    'repository = "dorgeln/orbiter"': 'repository = "orbiter-test/conda"',
    'channels = ["conda-forge"]': 'channels = ["{channel}"]\ninstaller = "rattler"',
    'apt = ["@core-tools"]': 'apt = ["@core-tools", "python3"]',
    # The test channel lacks these packages.
    '    "altair_saver",\n': "",
    '    "bash_kernel",\n': "",
    '    "cython",\n': "",
    '    "jupyter-book<2",\n': "",
    '    "jupyterlab-git",\n': "",
    '    "jupyterlab-spellchecker",\n': "",
}
GEOSPATIAL = "[image.micromamba.geospatial]"
STACKED = """[image.micromamba.more]
from = "core"

[image.micromamba.more.build]
from = "base-build"
conda = ["ipywidgets"]
pip = ["patsy", "cowsay"]          # patsy needs numpy, which conda installs
"""
LIST_RECORDS = """
import json, pathlib
for path in sorted(pathlib.Path("/opt/env/conda-meta").glob("*.json")):
    found = json.loads(path.read_text())
    print(*(found[key] for key in ("name", "version", "build", "url", "sha256", "md5")))
"""
COUNT_DUPLICATES = """
import collections, os, pathlib
seen = collections.defaultdict(set)
for path in pathlib.Path("/opt/env").rglob("*"):
    if path.is_file() and not path.is_symlink() and path.stat().st_size:
        seen[path.read_bytes()].add(path.stat().st_ino)
print(sum(len(found) > 1 for found in seen.values()))
"""


def orbiter(place: Path, cache: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, QUICK_ORBITER, *words]
    env = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
    return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)


def digests(result: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    assert result.returncode == 0, result.stderr
    return dict(line.split() for line in result.stdout.splitlines())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Built]:
    """Build the project's own conda images, and one on top of them with pip.

    Packages that the test channel lacks are left out.
    """
    folder = tmp_path_factory.mktemp("own")
    text = (ROOT / "images.toml").read_text()
    tools, family = text.partition("[builder.debian]")[0], text.partition("[builder.micromamba]")[2]
    text = f"{tools}[builder.micromamba]{family.partition(GEOSPATIAL)[0]}{STACKED}"
    for old, new in REPLACEMENTS.items():
        assert old in text, old
        text = text.replace(old, new.format(channel=os.environ["ORBITER_WORLD_CONDA_1"]))
    (folder / "images.toml").write_text(text)
    result = orbiter(folder, cache, "lock")
    assert result.returncode == 0, result.stderr
    tags = digests(orbiter(folder, cache, "build"))
    yield Built(folder, cache, next(tag for tag in tags if ":micromamba-base-" in tag))
    subprocess.run(["docker", "image", "rm", "--force", *tags], check=False, capture_output=True)


def locked(place: Path) -> LockFiles:
    folder = next((place / "locks").glob("*/micromamba"))
    return {name: (folder / name).read_text() for name in conda_manager.FILES}


def expected(place: Path, *groups: str) -> list[str]:
    """Return the lines that LIST_RECORDS must print for the packages of these groups."""
    files = locked(place)
    builds = {(each.name, each.version): each.build for each in conda_manager.read(files)}
    pins = conda_manager.select(files, Target(platform="linux/amd64"), groups)
    return [
        f"{pin.name} {pin.version} {builds[pin.name, pin.version]} {pin.artifact.source} "
        f"{pin.artifact.hash.removeprefix('sha256:')}"
        for pin in pins
    ]


@pytest.mark.browser
def test_the_image_runs_a_notebook(own: Built, tmp_path: Path) -> None:
    with running(own, "--mount", str(tmp_path), image="micromamba-base") as url:
        assert run_notebook(url, tmp_path).stat().st_size > 0


def test_installed_records_match_the_lock(own: Built) -> None:
    more = own.tag.replace("-base-", "-more-")
    for tag, groups in (
        (own.tag, ("micromamba-base-build",)),
        (more, ("micromamba-base-build", "micromamba-more-build")),
    ):
        lines = inside(tag, f"python -B - <<'END'\n{LIST_RECORDS}\nEND").splitlines()
        found = sorted(line.rpartition(" ")[0] for line in lines)
        assert found == sorted(expected(own.project, *groups))
        assert all(len(line.rpartition(" ")[2]) == 32 for line in lines)


def test_the_bill_of_materials_has_everything_that_syft_finds(
    own: Built, cache: Path, tmp_path: Path
) -> None:
    words = ("build", "-q", "--no-load", "--output", str(tmp_path), "--image", "micromamba-base")
    assert orbiter(own.project, cache, *words).returncode == 0
    (archive,) = tmp_path.iterdir()
    (lock_set,) = (own.project / "locks").glob("[0-9]*")
    assert unlisted(archive, lock_set, "micromamba-base") == []


def test_all_byte_code_is_valid_without_times(own: Built) -> None:
    invalid, count = invalid_byte_code(own.tag.replace("-base-", "-more-"))
    assert invalid == []
    assert count > 500


def test_pip_uses_condas_packages(own: Built) -> None:
    more = own.tag.replace("-base-", "-more-")
    script = "import patsy, cowsay, numpy; print(numpy.__version__)"
    version = inside(more, f"python -B -c '{script}'").strip()
    assert inside(more, "ls -d /opt/env/lib/python3.12/site-packages/numpy-*").count("\n") == 1
    pins = {
        pin.name: pin.version
        for pin in conda_manager.select(
            locked(own.project), Target(platform="linux/amd64"), groups()
        )
    }
    assert version == pins["numpy"]
    requirements = next(
        (own.project / "locks").glob("*/build/micromamba-more-build/pip-linux-amd64.txt")
    )
    assert {line.split("==")[0] for line in requirements.read_text().splitlines()} == {
        "cowsay",
        "patsy",
    }


def groups() -> tuple[str, ...]:
    return ("micromamba-base-build", "micromamba-more-build")


def test_no_superfluous_files_remain(own: Built) -> None:
    find = (
        "find /opt/env '(' -name '*.a' -o -path '*/site-packages/*.pyc' -o -name CACHEDIR.TAG ')'"
    )
    assert (
        inside(
            own.tag,
            f"{find}; find / -xdev -name 'pkgs' -path '*conda*'; "
            "test ! -s /opt/env/conda-meta/history",
        )
        == ""
    )
    assert inside(own.tag, "ls /opt") == "env\n"
    assert (
        inside(own.tag, "cat /opt/env/conda-meta/*.json | grep -E 'artifacts|/opt/conda' || true")
        == ""
    )
    assert inside(own.tag, f"python -B - <<'END'\n{COUNT_DUPLICATES}\nEND") == "0\n"


def test_any_user_can_serve_and_the_environment_is_active(own: Built) -> None:
    assert (
        inside(own.tag, f"{SERVE}\nid -u; echo $CONDA_PREFIX", "--init", "--user", "12345")
        == "12345\n/opt/env\n"
    )


def test_two_builds_are_identical(own: Built) -> None:
    base = ("build", "--no-load", "--image", "micromamba-base")
    first = digests(orbiter(own.project, own.cache, *base))
    again = digests(orbiter(own.project, own.cache, *base, "--no-cache"))
    assert first == again


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def offer(server: Server, *packages: CondaPackage) -> None:
    server.replies |= {
        path: Answer(content=content) for path, content in channel(*packages).items()
    }


def images(
    place: Path, server: Server, *, builder: str = "", apt: str = "", conda: str = '"hello"'
) -> None:
    (place / "images.toml").write_text(
        f"""version = "0.1.0"
repository = "orbiter-test/conda-made"
[builder.micromamba]
channels = ["{server.url}"]
{builder}
[image.micromamba.base]
[image.micromamba.base.build]
apt = [{apt}]
conda = [{conda}]
"""
    )


LINK_SCRIPT = """#!/bin/sh
echo "$PKG_NAME $PKG_VERSION" > "$PREFIX/share/linked"
"""
HELLO = package(
    "hello",
    "1.0",
    {
        "share/hello": "hello\n",
        "share/same": "hello\n",
        "lib/libhello.a": "static",
        "lib/gcc/x86_64-conda-linux-gnu/libgcc.a": "a compiler's",
        "lib/python3.12/site-packages/sourceless.pyc": "a module",
        "bin/.hello-post-link.sh": LINK_SCRIPT,
        "etc/conda/activate.d/hello.sh": "export HELLO=$CONDA_PREFIX/share/hello\n",
    },
)


OTHER = package("aaa", "1.0", {"share/hello": "aaa\n"})
DIRECT = package("direct", "1.0", {"share/direct": "direct\n"}, "hello")


def direct_address(server: Server) -> str:
    """Serve a package outside of the channel; return its address."""
    path = f"/files/{DIRECT.file}"
    server.replies[path] = Answer(content=DIRECT.content)
    return f"{server.url}{path}"


def test_package_scripts_run_and_duplicate_files_are_linked(server: Server, tmp_path: Path) -> None:
    offer(server, HELLO)
    # A base of Debian packages has no certificates.
    images(
        tmp_path,
        server,
        builder='from = { debian = "trixie" }\ninstaller = "rattler"',
        apt='"python3"',
        conda=f'"{direct_address(server)}"',
    )
    result = orbiter(tmp_path, tmp_path / "cache", "lock")
    assert result.returncode == 0, result.stderr
    (tag,) = digests(orbiter(tmp_path, tmp_path / "cache", "build"))
    output = inside(
        tag,
        "cat /opt/env/share/linked $HELLO; stat -c %h $HELLO; "
        "cd /opt/env; ls . bin conda-meta; find lib -type f",
    )
    assert output == (
        "hello 1.0\nhello\n2\n"
        ".:\nbin\nconda-meta\netc\nlib\nshare\n\n"
        "bin:\n\n"
        "conda-meta:\ndirect-1.0-0.json\nhello-1.0-0.json\nhistory\n"
        "lib/gcc/x86_64-conda-linux-gnu/libgcc.a\nlib/python3.12/site-packages/sourceless.pyc\n"
    )


@pytest.mark.parametrize("keep", [False, True])
def test_micromamba_is_a_locked_package_of_the_channel(
    server: Server, tmp_path: Path, keep: bool
) -> None:
    stand_in = package("micromamba", "2.6.2", {"bin/micromamba": micromamba.PROGRAM})
    offer(server, HELLO, OTHER, stand_in)
    images(
        tmp_path,
        server,
        builder=f'keep-installer = {str(keep).lower()}\nconda-overwrites = ["aaa"]',
        apt='"bzip2"',
        conda=f'"hello", "aaa", "{direct_address(server)}"',
    )
    result = orbiter(tmp_path, tmp_path / "cache", "lock")
    assert result.returncode == 0, result.stderr
    manifest = (tmp_path / "locks/0.1.0/lockset.toml").read_text()
    assert f'hash = "sha256:{stand_in.record["sha256"]}"' in manifest
    (tag,) = digests(orbiter(tmp_path, tmp_path / "cache", "build"))
    output = inside(
        tag,
        "ls -A /opt/env; cat /opt/env/conda-meta/*.json /opt/env/share/hello; "
        "test ! -x /opt/env/bin/micromamba || echo kept",
    )
    assert f"{server.url}/linux-64/{HELLO.file}" in output
    assert ("kept" in output) == keep
    assert '"requested_spec": "hello",' in output
    assert '"requested_spec": "direct",' in output
    assert direct_address(server) in output
    assert "aaa\n" in output
    assert not [word for word in ("artifacts", "/opt/conda", ".messages.txt") if word in output]
    assert "libhello.a" not in inside(tag, "find /opt/env")


def test_the_installer_comes_from_current_channels_and_can_be_upgraded(
    server: Server, tmp_path: Path
) -> None:
    def installer() -> str:
        return (tmp_path / "locks/0.1.0/lockset.toml").read_text().partition("[[installers]]")[2]

    offer(server, HELLO, package("micromamba", "2.6.2", {"bin/micromamba": micromamba.PROGRAM}))
    images(tmp_path, server)
    assert orbiter(tmp_path, tmp_path / "cache", "lock").returncode == 0
    assert f'source = "{server.url}/linux-64/micromamba-2.6.2-0.tar.bz2"' in installer()
    newer = package("micromamba", "2.7.0", {"bin/micromamba": micromamba.PROGRAM})
    offer(server, HELLO, newer)
    assert orbiter(tmp_path, tmp_path / "cache", "lock").returncode == 0
    assert 'version = "2.6.2"' in installer()
    result = orbiter(tmp_path, tmp_path / "cache-2", "lock", "--upgrade-package", "micromamba")
    assert result.returncode == 0, result.stderr
    assert 'version = "2.7.0"' in installer()
    with serving() as other:
        offer(other, HELLO, newer)
        images(tmp_path, other)
        assert orbiter(tmp_path, tmp_path / "cache", "lock").returncode == 0
        assert f'source = "{other.url}/linux-64/micromamba-2.7.0-0.tar.bz2"' in installer()


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """Lock and fetch one package of a channel; return its server and the project.

    The store does not have the package itself.
    """
    place = tmp_path_factory.mktemp("hello")
    with serving() as server:
        offer(server, HELLO)
        images(place, server, builder='installer = "rattler"', apt='"python3"')
        for word in ("lock", "fetch"):
            result = orbiter(place, place / "cache", word)
            assert result.returncode == 0, result.stderr
        (stored,) = (place / "cache/store").rglob(str(HELLO.record["sha256"]))
        stored.unlink()
        yield server, place


@pytest.fixture
def hello_server(hello: tuple[Server, Path], tmp_path: Path) -> Iterator[Server]:
    """Copy the project to the test's folder; return the server, whose answers may be changed."""
    server, place = hello
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    replies = dict(server.replies)
    yield server
    server.replies = replies


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HELLO.content[:-1] + b"!", "hello-1.0-0.tar.bz2: expected sha256:"),
        (HELLO.content[: len(HELLO.content) // 2], "hello-1.0-0.tar.bz2"),
        (b"", "hello-1.0-0.tar.bz2"),
        (None, "404"),
    ],
    ids=["other-bytes", "truncated", "empty", "missing"],
)
def test_a_package_with_unexpected_bytes_is_refused(
    hello_server: Server, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = f"/linux-64/{HELLO.file}"
    hello_server.replies[path] = Answer(404) if content is None else Answer(content=content)
    result = orbiter(tmp_path, tmp_path / "cache", "fetch")
    assert result.returncode == 2, result.stdout + result.stderr
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr
    store = tmp_path / "cache" / "store"
    assert not list(store.rglob(str(HELLO.record["sha256"])))
    hello_server.replies[path] = Answer(content=HELLO.content)
    assert orbiter(tmp_path, tmp_path / "cache", "fetch").returncode == 0
    assert list(store.rglob(str(HELLO.record["sha256"])))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(content=b"<html>log in</html>"),
        Answer(content=b'{"packages": {', sent=8),
        Answer(503),
    ],
    ids=["missing", "no-json", "incomplete", "unavailable"],
)
def test_a_failing_channel_leaves_the_lock_unchanged(
    hello_server: Server, tmp_path: Path, answer: Answer
) -> None:
    before = {path: path.read_bytes() for path in (tmp_path / "locks").rglob("*") if path.is_file()}
    hello_server.replies["/linux-64/repodata.json"] = answer
    words = '"hello", "other"'
    images(tmp_path, hello_server, builder='installer = "rattler"', apt='"python3"', conda=words)
    result = orbiter(tmp_path, tmp_path / "cache-2", "lock")
    assert result.returncode == 2, result.stdout + result.stderr
    assert hello_server.url in result.stderr
    assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr
    assert before == {
        path: path.read_bytes() for path in (tmp_path / "locks").rglob("*") if path.is_file()
    }


def test_rattler_needs_a_python(server: Server, tmp_path: Path) -> None:
    offer(server, HELLO)
    images(tmp_path, server, builder='installer = "rattler"')
    result = orbiter(tmp_path, tmp_path / "cache", "lock")
    assert result.returncode == 2
    assert (
        "micromamba-base-build installs conda packages with rattler, which needs Python from apt"
        in result.stderr
    )
    assert not (tmp_path / "locks").exists()


def test_a_channel_without_micromamba(server: Server, tmp_path: Path) -> None:
    offer(server, HELLO)
    images(tmp_path, server)
    result = orbiter(tmp_path, tmp_path / "cache", "lock")
    assert result.returncode == 2
    assert f"the channels ({server.url}) have no micromamba for linux/amd64" in result.stderr
    assert 'installer = "rattler"' in result.stderr
