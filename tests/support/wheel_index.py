"""A package index on the loopback interface, with wheels that a test makes up."""

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape

import msgspec

from tests.support.loopback import Answer, Request, Server, serving

HTML = {"Content-Type": "text/html"}


class Wheel(msgspec.Struct, frozen=True):
    """A wheel, and what the index's page says about it."""

    file: str
    content: bytes
    attributes: Mapping[str, str]
    hashed: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def link(self) -> str:
        fragment = f"#sha256={self.sha256}" if self.hashed else ""
        attributes = "".join(f' {key}="{escape(value)}"' for key, value in self.attributes.items())
        return f'<a href="/files/{self.file}{fragment}"{attributes}>{self.file}</a>'


def wheel(name: str, version: str, *headers: str, tag: str = "py3-none-any") -> tuple[str, bytes]:
    """Return the file name and the content of a wheel; ``headers`` are lines of its METADATA."""
    content = io.BytesIO()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers, ""]
    texts = {
        "METADATA": "\n".join(lines),
        "WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(content, "w") as archive:
        for file, text in texts.items():
            info = zipfile.ZipInfo(f"{name}-{version}.dist-info/{file}")
            archive.writestr(info, text)
    return f"{name}-{version}-{tag}.whl", content.getvalue()


def installable_wheel(name: str, version: str, code: str) -> tuple[str, bytes]:
    """Return the file name and the content of a wheel with one module that can be installed."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},{_record(text.encode())}\n" for path, text in files.items()]
    files[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{name}-{version}-py3-none-any.whl", content.getvalue()


def _record(content: bytes) -> str:
    """Return the hash and the size of a file as a RECORD has them."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"sha256={digest},{len(content)}"


def sdist(
    name: str, version: str, *headers: str, requires: tuple[str, ...] = ()
) -> tuple[str, bytes]:
    """Return the file name and the content of an sdist.

    ``headers`` are lines of its PKG-INFO, and ``requires`` its build requirements.
    """
    content = io.BytesIO()
    lines = [*headers, f"Name: {name}", f"Version: {version}", ""]
    project = f"[build-system]\nrequires = {list(requires)}\n"
    texts = {"PKG-INFO": "\n".join(lines), "pyproject.toml": project}
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for file, text in texts.items():
            member = tarfile.TarInfo(f"{name}-{version}/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", content.getvalue()


class WheelIndex:
    """An index; ``url`` is the address of its simple pages."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = f"{server.url}/simple/"
        self.wheels: dict[str, dict[str, Wheel]] = {}
        server.otherwise = self._answer

    def add(
        self,
        name: str,
        version: str,
        *headers: str,
        tag: str = "py3-none-any",
        hashed: bool = True,
        **attributes: str,
    ) -> Wheel:
        """Add a wheel; ``attributes`` such as ``yanked`` are those of its link (``data-``)."""
        of_page = {f"data-{key.replace('_', '-')}": value for key, value in attributes.items()}
        made = wheel(name, version, *headers, tag=tag)
        return self.add_file(name, made, attributes=of_page, hashed=hashed)

    def add_file(
        self,
        name: str,
        made: tuple[str, bytes],
        *,
        attributes: Mapping[str, str] | None = None,
        hashed: bool = True,
    ) -> Wheel:
        """Add a file by its name and content."""
        file, content = made
        added = Wheel(file=file, content=content, attributes=attributes or {}, hashed=hashed)
        self.wheels.setdefault(name, {})[file] = added
        return added

    def add_sdist(
        self, name: str, version: str, *headers: str, requires: tuple[str, ...] = ()
    ) -> None:
        """Add an sdist; ``headers`` are lines of its PKG-INFO, ``requires`` what builds it."""
        self.add_file(name, sdist(name, version, *headers, requires=requires))

    def remove(self, name: str, version: str) -> None:
        """Remove all wheels of a version."""
        kept = self.wheels[name].items()
        self.wheels[name] = {
            file: each for file, each in kept if not file.startswith(f"{name}-{version}-")
        }

    def _answer(self, request: Request) -> Answer:
        kind, _, rest = request.path.strip("/").partition("/")
        if kind == "simple" and rest in self.wheels:
            links = "\n".join(each.link() for each in self.wheels[rest].values())
            return Answer(200, f"<!DOCTYPE html><body>{links}</body>".encode(), HTML)
        for wheels in self.wheels.values():
            if kind == "files" and rest in wheels:
                return Answer(200, wheels[rest].content)
        return Answer(404)


@contextmanager
def wheel_index() -> Iterator[WheelIndex]:
    """Serve an empty index until the block ends."""
    with serving() as server:
        yield WheelIndex(server)
