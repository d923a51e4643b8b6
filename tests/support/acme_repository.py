"""The git repository of a made-up Python package, whose build needs no other package."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.git_server import GitServer

BACKEND = """\
def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    import os
    name = "acme-1.0.dist-info"
    os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, name, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: acme\\nVersion: 1.0\\nRequires-Dist: beta\\n"
            "Provides-Extra: more\\nRequires-Dist: gamma ; extra == 'more'\\n")
    return name


def build_wheel(folder, config_settings=None, metadata_directory=None):
    import os, zipfile
    wheel = "acme-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as file:
        path = os.path.join(folder, prepare_metadata_for_build_wheel(folder), "METADATA")
        file.write(path, "acme-1.0.dist-info/METADATA")
        file.write(os.path.join("src", "acme.py"), "acme.py")
        file.writestr("acme-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\n"
            "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr("acme-1.0.dist-info/RECORD", "acme.py,,\\nacme-1.0.dist-info/METADATA,,\\n"
            "acme-1.0.dist-info/WHEEL,,\\nacme-1.0.dist-info/RECORD,,\\n")
    return wheel
"""
BUILD = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
PROJECT = """
[project]
name = "acme"
version = "1.0"
dependencies = ["beta"]
optional-dependencies = { more = ["gamma"] }
"""
FILES = {"pyproject.toml": BUILD + PROJECT, "backend.py": BACKEND, "src/acme.py": "x = 1\n"}
"""The files of the package acme 1.0."""


class Repository:
    """A repository of a server; ``url`` is its address, and ``folder`` has its files."""

    def __init__(self, server: GitServer, name: str = "acme") -> None:
        self._server, self._name = server, name
        self.url = server.repository_url(name)
        self.folder: Path = server.folder / f"{name}.git"

    def commit(self, files: Mapping[str, str] = FILES, tag: str = "") -> str:
        """Commit files, and move a tag to the commit; return the commit."""
        return self._server.commit(self._name, files, tag)

    def git(self, *words: str) -> str:
        """Run git in the repository."""
        return self._server.git(self._name, *words)
