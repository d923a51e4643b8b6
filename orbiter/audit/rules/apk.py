"""The database of apk, made again from the locked packages.

Format: https://wiki.alpinelinux.org/wiki/Apk_spec
"""

import base64
import io
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping

from orbiter.audit.claims import InstalledContents
from orbiter.audit.packages.apk import CHECKSUM
from orbiter.audit.packages.files import PackageFile
from orbiter.audit.result import Judgement
from orbiter.audit.rules.dpkg import base_text
from orbiter.audit.scene import Pending, Scene, as_text, changed, check_file
from orbiter.render.model import platform_slug
from resolvers.types.tar_entry import CheckedTarInfo

FOLDERS = ("lib/apk/db/", "usr/lib/apk/db/")
FIELDS: Mapping[str, str] = {
    "P": "pkgname",
    "V": "pkgver",
    "A": "arch",
    "I": "size",
    "T": "pkgdesc",
    "U": "url",
    "L": "license",
    "o": "origin",
    "m": "maintainer",
    "t": "builddate",
    "c": "commit",
    "D": "depend",
    "p": "provides",
    "r": "replaces",
    "i": "install_if",
    "k": "provider_priority",
}
"""The letters of the database, and the names in .PKGINFO."""
USUAL_FOLDER, USUAL_FILE = "0:0:755", "0:0:644"


def database(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the list of installed packages, their scripts and their triggers."""
    for folder in FOLDERS:
        checks = {"installed": _installed, "scripts.tar.gz": _scripts, "triggers": _triggers}
        for name, check in checks.items():
            path = f"{folder}{name}"
            if path in pending and path in scene.tree:
                problem = check_file(scene, path, None)
                reason = check(scene, path)
                yield changed(path, reason) if reason else problem


def world(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the requirements of apk, which are in the lock set."""
    path = "etc/apk/world"
    name = f"apk-{platform_slug(scene.locked.platform)}.world"
    texts = [scene.locked.texts.get(f"{each.stage.name}/{name}") for each in scene.locked.lineage]
    known = [text for text in texts if text is not None]
    if known and path in pending and path in scene.tree:
        yield check_file(scene, path, known[-1].encode())


def _installed(scene: Scene, path: str) -> str:
    """Return the first difference of the list of packages, or ""."""
    packages = {each.package.name: each for each in scene.claims.of_manager("apk")}
    base = _paragraphs(base_text(scene, path))
    found = _paragraphs(scene.text(path))
    if "".join(f"{each}\n\n" for each in found.values()) != scene.text(path):
        return "it has other blank lines or a package twice"
    for name in sorted({*packages, *base, *found}):
        if name not in found:
            return f"{name} is missing"
        if name in packages:
            if reason := _paragraph_problem(scene, packages[name], found[name]):
                return f"{name}: {reason}"
        elif found[name] != base.get(name):
            return f"{name} is not a locked package, or not as in the base image"
    return ""


def _paragraphs(text: str) -> dict[str, str]:
    paragraphs = text.rstrip("\n").split("\n\n") if text.strip() else []
    return {_name(each): each for each in paragraphs}


def _name(paragraph: str) -> str:
    match = re.search(r"^P:(.*)$", paragraph, re.MULTILINE)
    return match[1] if match else ""


def _paragraph_problem(scene: Scene, each: InstalledContents, found: str) -> str:
    """Return how the entry of a package differs from the package, or ""."""
    head, folders = _head(found), _folders(found)
    expected = _fields(scene, each)
    for letter in sorted({*head, *expected}):
        if head.get(letter) != expected.get(letter):
            return f"the field {letter} is not that of the package"
    wanted = _wanted(each)
    for folder in sorted({*folders, *wanted}):
        if folders.get(folder, set()) != wanted.get(folder, set()):
            return f"the files of /{folder} are not those of the package"
    return ""


def _head(paragraph: str) -> dict[str, str]:
    """Return the fields of an entry before its files."""
    lines = paragraph.partition("\nF:")[0].split("\n")
    return {line[:1]: line[2:] if line[1:2] == ":" else "" for line in lines}


def _fields(scene: Scene, each: InstalledContents) -> dict[str, str]:
    values: dict[str, list[str]] = defaultdict(list)
    for line in as_text(each.contents.texts[".PKGINFO"]).splitlines():
        name, separator, value = line.partition(" = ")
        if separator and not line.startswith("#"):
            values[name.strip()].append(value)
    found = {letter: " ".join(values[name]) for letter, name in FIELDS.items() if values[name]}
    found["C"] = as_text(each.contents.texts[CHECKSUM])
    found["S"] = str(scene.store.path(each.package.file.hash).stat().st_size)
    return found


def _folders(paragraph: str) -> dict[str, set[str]]:
    """Return the lines of each folder: its own mode, and its files with mode and checksum."""
    found: dict[str, set[str]] = {}
    folder = file = ""
    for line in paragraph.split("\n"):
        letter, _, value = line.partition(":")
        if letter == "F":
            folder, file = value, ""
            found.setdefault(folder, set())
        elif letter == "R":
            file = value
            found.setdefault(folder, set()).add(f"R:{file}")
        elif letter in {"M", "a", "Z"} and found:
            found[folder].add(f"{file} {line}")
    return found


def _wanted(each: InstalledContents) -> dict[str, set[str]]:
    """Return the lines that apk writes for the folders and files of a package."""
    found: dict[str, set[str]] = {"": set()}
    for path, file in each.contents.files.items():
        folder, _, name = path.rpartition("/")
        if file.kind == "folder":
            found.setdefault(path, set()).update(_mode(" M", file, USUAL_FOLDER))
            continue
        lines = {f"R:{name}", *_mode(f"{name} a", file, USUAL_FILE)}
        if checksum := each.contents.texts.get(f":{path}"):
            lines.add(f"{name} Z:{as_text(checksum)}")
        found.setdefault(folder, set()).update(lines)
    return {folder: lines for folder, lines in found.items() if folder or lines}


def _mode(start: str, file: PackageFile, usual: str) -> set[str]:
    mode = f"{file.uid}:{file.gid}:{file.mode:o}"
    return set() if mode == usual else {f"{start}:{mode}"}


def _scripts(scene: Scene, path: str) -> str:
    """Return the first script that no package and not the base image has, or ""."""
    try:
        found = _members(scene.read(path))
    except (tarfile.TarError, OSError, EOFError):
        return "it is not a tar file"
    base = _members(_base_bytes(scene, path))
    expected = dict(base)
    for each in scene.claims.of_manager("apk"):
        digest = base64.b64decode(each.contents.texts[CHECKSUM][2:]).hex()
        start = f"{each.package.name}-{each.package.version}"
        for name, text in each.contents.texts.items():
            if re.fullmatch(r"\.(pre|post)-\w+|\.trigger", name):
                expected[f"{start}.X1{digest}{name}"] = text
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            return f"the script {name} is not that of a package"
    return ""


def _members(archive: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if archive:
        with tarfile.open(fileobj=io.BytesIO(archive), tarinfo=CheckedTarInfo) as tar:
            for member in tar:
                content = tar.extractfile(member)
                found[member.name] = content.read() if content else b""
    return found


def _base_bytes(scene: Scene, path: str) -> bytes:
    return base_text(scene, path).encode(errors="surrogateescape")


def _triggers(scene: Scene, path: str) -> str:
    """Return the first trigger that no package and not the base image has, or ""."""
    expected = set(base_text(scene, path).splitlines())
    for each in scene.claims.of_manager("apk"):
        info = as_text(each.contents.texts[".PKGINFO"])
        for value in re.findall(r"^triggers = (.*)$", info, re.MULTILINE):
            expected.add(f"{as_text(each.contents.texts[CHECKSUM])} {value}")
    different = sorted(expected ^ set(scene.text(path).splitlines()))
    return f"the trigger {different[0]!a} is not that of a package" if different else ""
