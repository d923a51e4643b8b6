"""Explicit conda files (``@EXPLICIT``): one url a line, with ``#md5`` or ``#sha256:…`` or no hash.

Format: https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html#building-identical-conda-environments.
conda-lock adds ``# platform: …`` and Python packages as ``# pip NAME @ URL#sha256=…``.
"""

import re

from orbiter.lockfiles.conda_files import (
    check_hashes,
    hashes,
    is_package,
    origin,
    parts,
    pip_origin,
)
from orbiter.lockfiles.document import DAMAGED
from orbiter.lockfiles.pip_files import normal, project
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

MARK = re.compile(r"^@EXPLICIT[ \t]*$", re.MULTILINE)
PLATFORM = re.compile(r"^# platform: *(\S+)", re.MULTILINE)
PIP = re.compile(
    r"# pip ([\w.-]+)(?:\[.*\])? (?:@ (\S+?)|===?(\S+?))(?:(?: --hash=|#)sha256[:=]([0-9a-f]*))?$"
)
SHA256 = 64
"""Digits of a sha256; an md5 has half of them."""


def recognises(text: str) -> bool:
    """Whether a line of a text says ``@EXPLICIT``."""
    return "@EXPLICIT" in text and MARK.search(text) is not None


def read(name: str, text: str) -> Lock:
    """Read an explicit file: no dependencies, sizes or licences, and not what a person asked for.

    The platform is that of its comment, else the one that is not ``noarch`` among its urls, else "".
    """
    packages, subdirs = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# pip "):
            packages.append(_pip(f"{name}:{number}", line.strip()))
        elif line.strip() and not line.startswith(("#", "@EXPLICIT")):
            package, subdir = _conda(f"{name}:{number}", line.strip())
            packages.append(package)
            subdirs.add(subdir)
    told = PLATFORM.search(text)
    subdirs.discard("noarch")
    platform = told[1] if told else subdirs.pop() if len(subdirs) == 1 else ""
    return Lock(
        name=name, format="explicit conda file", packages={Scope("", platform): tuple(packages)}
    )


def _conda(where: str, line: str) -> tuple[PackageEntry, str]:
    """The package of a line and the folder of its channel (``linux-64``)."""
    url, _, digest = line.partition("#")
    file, channel, subdir = origin(url)
    if not is_package(file):
        raise ExpectedError(f"{where}: '{line}' is no address of a conda package", DAMAGED)
    md5, sha256 = _hashes(where, digest)
    found = parts(file)
    package = PackageEntry(
        manager="conda",
        name=found.name,
        version=found.version,
        build=found.build,
        source=channel,
        files=(PackageFile(file, hashes(md5, sha256)),),
    )
    return package, subdir


def _hashes(where: str, digest: str) -> tuple[str, str]:
    """md5 and sha256 of what stands behind the ``#``."""
    kind, separator, value = digest.partition(":")
    if not separator:
        kind, value = "sha256" if len(digest) == SHA256 else "md5", digest
    if kind not in {"md5", "sha256"}:
        raise ExpectedError(f"{where}: a hash by '{kind}' is neither md5 nor sha256", DAMAGED)
    check_hashes(where, {kind: value})
    return (value, "") if kind == "md5" else ("", value)


def _pip(where: str, line: str) -> PackageEntry:
    found = PIP.fullmatch(line)
    if not found:
        raise ExpectedError(
            f"{where}: '{line}' is no Python package as conda-lock notes them", DAMAGED
        )
    name, url, version, sha256 = found[1], found[2] or "", found[3], found[4] or ""
    check_hashes(where, {"sha256": sha256})
    file, source, commit = pip_origin(url) if url else ("", "", "")
    return PackageEntry(
        manager="pip",
        name=normal(name),
        version=version or project(file)[1],
        build=commit,
        source=source,
        files=(PackageFile(file, hashes("", sha256)),) if sha256 else (),
    )
