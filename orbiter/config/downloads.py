"""The files with an address that a stage puts into its image: read from images.toml and checked."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import UNSET

from orbiter.config.file_keys import DownloadSource, DownloadTable
from orbiter.config.image_set import Download, DownloadedFile, FileAddress, OwnFile, TargetPath
from orbiter.config.mistakes import Mistakes, key_path, suggest, toml_literal
from orbiter.config.own_files import MOUNTED, RESERVED
from orbiter.config.secret_values import secret_reason
from resolvers.net.addresses import is_unencrypted, is_url

ENDINGS = {"apk": ".apk", "apt": ".deb"}
"""The ends of the addresses of packages, by manager."""
DISTRIBUTIONS = {"apk": "Alpine", "apt": "Debian"}
_SIGNATURE = re.compile(r"(?i)(?:^|[-_])(?:sig|signature|credential|auth|key)$")
"""Names of parameters that carry a permission; see also ``secret_reason``."""


class _MistakeError(Exception):
    """A mistake in one entry: the problem and the remedy. ``key`` is below the entry."""

    def __init__(self, key: str, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.key, self.problem, self.hint = key, problem, hint


def downloads(
    tables: Iterable[DownloadTable],
    path: str,
    platforms: Iterable[str],
    manager: str,
    mistakes: Mistakes,
) -> tuple[Download, ...]:
    """Return the downloads of a stage in their order; ``path`` is the key path of the list.

    ``manager`` is apk or apt.
    """
    found = []
    for index, table in enumerate(tables):
        entry = f"{path}[{index}]"
        try:
            found.append(_download(table, sorted(platforms), manager))
        except _MistakeError as error:
            key = f"{entry}.{error.key}" if error.key else entry
            mistakes.add(key, error.problem, hint=error.hint)
    return tuple(found)


def check_targets(
    found: Iterable[Download], files: Iterable[OwnFile], path: str, mistakes: Mistakes
) -> None:
    """Add a mistake for each file that another download or an own file would replace."""
    others = {file.target: f"'{file.source}' in files" for file in files}
    for index, download in enumerate(found):
        if download.unpack:
            continue
        for target in sorted({file.target or "" for file in download.platforms.values()} - {""}):
            name = f"{path}[{index}]"
            if target in others:
                problem = f"{target} is also the target of {others[target]}"
                mistakes.add(name, problem, hint="remove one of them, or change its target")
            others[target] = name


def address_mistakes(url: str, *, has_hash: bool) -> Iterator[tuple[str, str]]:
    """Yield the problem of an address and its remedy.

    The messages never repeat the address, because it may contain a password.
    """
    is_address = _matches(FileAddress, url) and is_url(url)
    parts = urlsplit(url) if is_address else urlsplit("")
    if "@" in url.partition("://")[2].partition("/")[0] or "$" in url:
        yield (
            "contains credentials",
            "remove them here, and add them to ~/.netrc, which Orbiter reads",
        )
    elif not is_address or not parts.hostname:
        yield (
            "is not the address of a file",
            "write https://HOST/PATH; percent-encode characters such as blanks (%20)",
        )
    elif parameter := _secret_parameter(parts.query):
        yield (
            f"contains a secret: the parameter '{parameter}'",
            "use an address that works without it, or add credentials to ~/.netrc",
        )
    elif is_unencrypted(url) and not has_hash:
        yield "is not encrypted", "write https instead of http, or add the sha256 of the file"


def _secret_parameter(query: str) -> str:
    """Return the name of a parameter that looks like a secret, or ""."""
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if value and (_SIGNATURE.search(name) or secret_reason(name, unquote(value))):
            return name
    return ""


def _matches(annotated: object, value: str) -> bool:
    try:
        msgspec.convert(value, annotated)
    except msgspec.ValidationError:
        return False
    return True


def _download(table: DownloadTable, platforms: list[str], manager: str) -> Download:
    _check_keys(table, manager)
    files = {
        platform: _file(table, *source) for platform, source in _sources(table, platforms).items()
    }
    return Download(
        platforms=files,
        mode=(table.mode or "644").rjust(4, "0"),
        unpack=table.unpack,
        strip=table.strip,
    )


def _package_manager(table: DownloadTable) -> str:
    """Return the manager of the packages that a table without a target names, "" if it has none."""
    urls = [source.url for source in table.platforms.values()] + [table.url] * bool(table.url)
    paths = [url.partition("?")[0] for url in urls]
    for manager, ending in ENDINGS.items():
        if not table.to and paths and all(path.endswith(ending) for path in paths):
            return manager
    return ""


def _check_keys(table: DownloadTable, manager: str) -> None:
    if _package_manager(table):
        _check_package(table, manager)
    elif not table.to:
        problem, hint = "has no target", 'add to = "/opt/", or another folder or path'
        raise _MistakeError("", problem, hint)
    if table.unpack and not table.to.endswith("/"):
        problem = f"{table.to} does not end with /, but an archive is unpacked into a folder"
        raise _MistakeError("to", problem, f"write {toml_literal(table.to + '/')}")
    if table.unpack and table.mode:
        problem = "has no effect: the files of an archive have modes of their own"
        raise _MistakeError("mode", problem, "remove it, and use chmod in postbuild")
    if table.strip and not table.unpack:
        raise _MistakeError("strip", "has no effect without unpack", "add unpack = true")


def _check_package(table: DownloadTable, manager: str) -> None:
    if manager != _package_manager(table):
        distribution = DISTRIBUTIONS[_package_manager(table)]
        problem = f"is a package of {distribution}, which the builder does not install"
        raise _MistakeError("", problem, 'add to = "/opt/" to place the file only')
    for key in ("mode", "unpack", "strip"):
        if getattr(table, key):
            problem = "has no effect, because the manager installs the package"
            raise _MistakeError(key, problem, 'remove it, or add to = "/opt/"')


def _sources(
    table: DownloadTable, platforms: list[str]
) -> Mapping[str, tuple[str, DownloadSource]]:
    """Return the source of each platform with the key path of its table below the entry."""
    for platform in table.platforms:
        if platform not in platforms:
            hint = suggest(platform, platforms, "remove it, or add it to platforms")
            key = key_path("platforms", platform)
            raise _MistakeError(key, "is not among the platforms of images.toml", hint)
    default = DownloadSource(url=table.url, sha256=table.sha256)
    own_sources = {str(platform): source for platform, source in table.platforms.items()}
    sources: dict[str, tuple[str, DownloadSource]] = {}
    for name in platforms:
        own = own_sources.get(name)
        sources[name] = (key_path("platforms", name), own) if own else ("", default)
        if not own and not table.url:
            hint = f'add url, or platforms = {{ {toml_literal(name)} = {{ url = "…" }} }}'
            raise _MistakeError("", f"has no url for {name}", hint)
    return sources


def _file(table: DownloadTable, key: str, source: DownloadSource) -> DownloadedFile:
    for problem, hint in address_mistakes(source.url, has_hash=bool(source.sha256)):
        raise _MistakeError(".".join(filter(None, (key, "url"))), problem, hint)
    sha256 = source.sha256 or UNSET
    if not table.to:
        return DownloadedFile(url=source.url, sha256=sha256)
    target = _target(table, source.url)
    _check_target(target)
    return DownloadedFile(url=source.url, target=target, sha256=sha256)


def _target(table: DownloadTable, url: str) -> str:
    """Return the path in the image; a file in a folder is named like its address."""
    if table.unpack or not table.to.endswith("/"):
        return table.to.rstrip("/") or "/"
    name = file_name(url)
    if not name:
        problem = "is a folder, but the address does not end with the name of a file"
        raise _MistakeError(
            "to", problem, f"name the file, as in {toml_literal(table.to + 'file')}"
        )
    return table.to + name


def file_name(url: str) -> str:
    """Return the name of the file at an address, "" if its last part is not a usable name."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return name if _matches(TargetPath, f"/{name}") else ""


def _check_target(target: str) -> None:
    if not _matches(TargetPath, target):
        problem = f"{target} cannot be a target"
        raise _MistakeError("to", problem, "name a folder below / or a file, as in /opt/")
    reserved = any(target == folder or target.startswith(f"{folder}/") for folder in RESERVED)
    if reserved or target in MOUNTED:
        problem = f"{target} would not be part of the image, because Docker mounts it or its folder"
        raise _MistakeError("to", problem, "choose another folder")
