"""Reader of explicit conda files (``@EXPLICIT``): a URL per line, usually with a hash.

Format: https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html#building-identical-conda-environments.
The hash follows as ``#md5`` or ``#sha256:…``. conda-lock adds ``# platform: …`` and Python
packages as ``# pip NAME @ URL#sha256=…``.
"""

import re

from orbiter.lockfiles.conda_files import (
    PipSource,
    check_hashes,
    format_hashes,
    is_conda_file,
    parse_conda_url,
    parse_file_name,
    parse_pip_url,
)
from orbiter.lockfiles.document import DAMAGED, VERSIONS_ONLY
from orbiter.lockfiles.pip_files import normalise, parse_distribution
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

MARK = re.compile(r"^@EXPLICIT[ \t]*$", re.MULTILINE)
PLATFORM = re.compile(r"^# platform: *(\S+)", re.MULTILINE)
PIP_LINE = re.compile(
    r"""
    \#[ ]pip[ ](?P<name>[\w.-]+)(?:\[.*\])?
    [ ](?: @[ ](?P<url>\S+?) | ===?(?P<version>\S+?) )
    (?: (?:[ ]--hash=|\#) sha256[:=](?P<sha256>[0-9a-f]*) )?$
    """,
    re.VERBOSE,
)

SHA256_DIGITS = 64


def recognises(text: str) -> bool:
    """Return whether a line of a text is ``@EXPLICIT``."""
    return "@EXPLICIT" in text and MARK.search(text) is not None


def read(name: str, text: str) -> Lock:
    """Read an explicit file.

    The format has no dependencies, sizes, licences or direct requirements. The platform is in a
    comment; otherwise it is the only folder in the URLs besides ``noarch``, or "".
    """
    packages, subdirs = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        where, content = f"{name}:{number}", line.strip()
        if line.startswith("# pip "):
            packages.append(_read_pip(where, content))
        elif content and not line.startswith(("#", "@EXPLICIT")):
            package, subdir = _read_conda(where, content)
            packages.append(package)
            subdirs.add(subdir)
    scope = Scope("", _platform(text, subdirs - {"noarch"}))
    has_hash = any(file.hashes for package in packages for file in package.files)
    return Lock(
        name=name,
        format="explicit conda file" if has_hash else "explicit conda file (versions only)",
        packages={scope: tuple(packages)},
        notes=() if has_hash else (VERSIONS_ONLY,),
    )


def _platform(text: str, subdirs: set[str]) -> str:
    if comment := PLATFORM.search(text):
        return comment[1]
    return subdirs.pop() if len(subdirs) == 1 else ""


def _read_conda(where: str, line: str) -> tuple[PackageEntry, str]:
    """Return the package of a line and the last folder in its URL, such as ``linux-64``."""
    address, _, digest = line.partition("#")
    url = parse_conda_url(address)
    if not is_conda_file(url.file):
        raise ExpectedError(f"{where}: '{line}' is not the URL of a conda package", DAMAGED)
    md5, sha256 = _hashes(where, digest)
    parsed = parse_file_name(url.file)
    package = PackageEntry(
        manager="conda",
        name=parsed.name,
        version=parsed.version,
        build=parsed.build,
        source=url.channel,
        files=(PackageFile(url.file, format_hashes(md5, sha256), url.origin),),
    )
    return package, url.subdir


def _hashes(where: str, digest: str) -> tuple[str, str]:
    """Return the md5 and sha256 in the text that follows the ``#``."""
    algorithm, separator, value = digest.partition(":")
    if not separator:
        algorithm, value = "md5", digest
    if not separator and len(digest) == SHA256_DIGITS:
        algorithm = "sha256"
    if algorithm not in {"md5", "sha256"}:
        raise ExpectedError(f"{where}: unsupported hash algorithm '{algorithm}'", DAMAGED)
    check_hashes(where, {algorithm: value})
    return (value, "") if algorithm == "md5" else ("", value)


def _read_pip(where: str, line: str) -> PackageEntry:
    match = PIP_LINE.fullmatch(line)
    if not match:
        raise ExpectedError(
            f"{where}: '{line}' is not a Python package in conda-lock's notation", DAMAGED
        )
    url, sha256 = match["url"], match["sha256"] or ""
    check_hashes(where, {"sha256": sha256})
    source = PipSource("", "", "")
    if url:
        source = parse_pip_url(url)
    return PackageEntry(
        manager="pip",
        name=normalise(match["name"]),
        version=match["version"] or parse_distribution(source.file)[1],
        build=source.commit,
        source=source.source,
        files=_pip_files(source, sha256),
    )


def _pip_files(source: PipSource, sha256: str) -> tuple[PackageFile, ...]:
    hashes = format_hashes("", sha256)
    return (PackageFile(source.file, hashes, source.origin),) if hashes else ()
