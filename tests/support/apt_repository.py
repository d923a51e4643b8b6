"""A signed apt repository beside those of the test world, at one address for containers too."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from resolvers.types.options import SystemRepository
from tests.support.alpine_world import served_folder

KEYS = TemporaryDirectory(prefix="apt-keys")
SUITE = "stable"
CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: Tests <tests@example.org>
Description: tests
"""


def _gpg(name: str, *arguments: str, content: bytes = b"") -> bytes:
    home = Path(KEYS.name, name)
    home.mkdir(mode=0o700, exist_ok=True)
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", *arguments]
    return subprocess.run(command, input=content, check=True, capture_output=True).stdout


@cache
def public_key(name: str = "tests", *, armored: bool = True) -> bytes:
    """Return a public key, which is made at its first use."""
    if not Path(KEYS.name, name).exists():
        _gpg(name, "--quick-gen-key", f"{name}@example.org", "ed25519", "sign", "never")
    return _gpg(name, *["--armor"] * armored, "--export")


def private_key(name: str = "tests") -> bytes:
    public_key(name)
    return _gpg(name, "--armor", "--export-secret-keys")


def fingerprint(name: str = "tests") -> str:
    public_key(name)
    lines = _gpg(name, "--with-colons", "--list-keys").decode().splitlines()
    return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))


class AptRepository:
    """The folder of a repository on the server of the test world, and its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"{os.environ['ORBITER_WORLD_HTTP_FROM_CONTAINERS']}/{folder.name}"

    def write(self, *packages: tuple[str, str, str], key: str = "tests") -> None:
        """Write packages and a signed index of them alone.

        A package is a name, a version and further control fields.
        """
        records = "\n".join(self._add(*package) for package in packages)
        self.write_index(records, key=key)

    def write_index(self, records: str, *, key: str = "tests") -> None:
        public_key(key)
        suite = self.folder / "dists" / SUITE
        path = "main/binary-amd64/Packages"
        (suite / path).parent.mkdir(parents=True, exist_ok=True)
        (suite / path).write_text(records)
        digest = hashlib.sha256(records.encode()).hexdigest()
        release = (
            f"Origin: tests\nSuite: {SUITE}\nCodename: {SUITE}\nComponents: main\n"
            "Architectures: amd64 all\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
            f"SHA256:\n {digest} {len(records.encode())} {path}\n"
        )
        signed = _gpg(key, "--clearsign", content=release.encode())
        (suite / "InRelease").write_bytes(signed)

    def file(self, name: str) -> Path:
        """Return the only file of a package."""
        (path,) = self.folder.glob(f"pool/{name}_*.deb")
        return path

    def options(self, name: str, key: bytes | None = None) -> SystemRepository:
        """Return the repository as the resolver gets it from images.toml."""
        return SystemRepository(
            name=name,
            url=self.url,
            suite=SUITE,
            components=("main",),
            key=public_key() if key is None else key,
        )

    def _add(self, name: str, version: str, fields: str) -> str:
        """Write a package; return its record in the index."""
        control = CONTROL.format(name=name, version=version) + "".join(
            [fields, "\n"] * bool(fields)
        )
        path = f"pool/{name}_{version.replace(':', '%3a')}_all.deb"
        content = {f"usr/share/{name}/version": f"{version}\n"}
        (self.folder / "pool").mkdir(exist_ok=True)
        build_deb(self.folder / path, control, content)
        data = (self.folder / path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        return f"{control}Filename: {path}\nSize: {len(data)}\nSHA256: {digest}\n"


def build_deb(target: Path, control: str, files: Mapping[str, str]) -> None:
    """Write a Debian package with these files, the same bytes each time."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {**files, "DEBIAN/control": control}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for path in (root, *root.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(target)]
        env = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
        subprocess.run(command, check=True, capture_output=True, env=env)


@contextmanager
def apt_repository() -> Iterator[AptRepository]:
    """Yield an empty repository; remove it at the end."""
    with served_folder() as folder:
        yield AptRepository(folder)


def clear(repository: AptRepository) -> None:
    """Delete all files of a repository, as if its server were gone."""
    shutil.rmtree(repository.folder)
    repository.folder.mkdir()
