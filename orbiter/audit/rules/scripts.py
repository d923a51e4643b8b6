"""Files, folders and links that maintainer scripts of Debian packages make.

A script may do anything, so each rule demands that the script names what the image has.
"""

import re
import textwrap
from collections.abc import Iterator
from itertools import takewhile

from orbiter.audit.claims import InstalledContents
from orbiter.audit.result import Judgement
from orbiter.audit.scene import (
    Pending,
    Scene,
    as_bytes,
    as_text,
    attribute_problem,
    changed,
    check_file,
    explained,
)

WORD = re.compile(r"[\w.+@/:-]+")
MADE_FOLDER = re.compile(r"install_directory\s+(\S+)\s+([0-7]+)\s+(\w+)")
"""The function of base-files that makes a folder with a mode and a group."""
MODE = re.compile(r"0?[0-7]{3,4}")
COPIED = ("etc/", "root/", "usr/share/info/")
OTHERS = ("etc/alternatives/", "home/", "opt/env/")
"""The start of paths that no maintainer script writes."""
LEAST = 12
"""Characters of a text in a script that count as the content of a file."""
UNIT = re.compile(r"^(?:WantedBy|RequiredBy)=(.*)$", re.MULTILINE)
UNITS = "usr/lib/systemd/system/"
HELPER = "var/lib/systemd/deb-systemd-helper-enabled/"


class _Words:
    """The words of the maintainer scripts, by package."""

    def __init__(self, scene: Scene) -> None:
        self.scripts = list(scene.scripts())
        self._words: set[str] = set()
        for _, script in self.scripts:
            for word in WORD.findall(script):
                self._words.update((word, word.rpartition("/")[2], word.lstrip("/")))

    def has(self, path: str) -> bool:
        """Return whether a script names a path, or at least its last part."""
        return path in self._words or path.rpartition("/")[2] in self._words

    def has_path(self, path: str) -> bool:
        """Return whether a script names a whole path."""
        return path in self._words


def copies(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check files with the content of a file of a package whose script names the copy."""
    words = _Words(scene)
    known = _digests(scene)
    for path in pending:
        entry = scene.tree.get(path)
        if entry is None or entry.content is None or not path.startswith(COPIED):
            continue
        owner = known.get(entry.content.digest, "")
        if owner and entry.content.size and words.has(path):
            yield check_file(scene, path, None, package=owner)


def _digests(scene: Scene) -> dict[str, str]:
    return {
        file.digest: each.package.owner
        for each in scene.debs()
        for path, file in each.contents.files.items()
        if path.startswith("usr/share/")
    }


def texts(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check files whose content is a text in a maintainer script."""
    scripts = [(each, textwrap.dedent(script), script) for each, script in scene.scripts()]
    for path in pending:
        entry = scene.tree.get(path)
        if entry is None or entry.content is None or not path.startswith("etc/"):
            continue
        text = scene.text(path)
        if LEAST <= len(text) <= 1 << 16 and (owner := _owner_of_text(text, scripts)):
            yield check_file(scene, path, None, package=owner)


def _owner_of_text(text: str, scripts: list[tuple[InstalledContents, str, str]]) -> str:
    indented = "".join(f"\t{line}" if line.strip() else line for line in text.splitlines(True))
    for each, _, script in scripts:
        if f"\n{text}" in script or f"\n{indented}" in script:
            return each.package.owner
    return ""


def empty(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check files without content that a maintainer script names."""
    words = _Words(scene)
    for path in pending:
        entry = scene.tree.get(path)
        if entry is None or entry.content is None or entry.content.size:
            continue
        if words.has(path) and entry.mode in {0o600, 0o644} and not path.startswith(OTHERS):
            yield check_file(scene, path, b"", mode=entry.mode)


def links(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check symbolic links: a maintainer script names both the link and its target."""
    words = _Words(scene)
    for path in pending:
        entry = scene.tree.get(path)
        if entry is None or entry.kind != "link" or path.startswith(OTHERS):
            continue
        target = entry.target
        is_run = re.fullmatch(r"etc/rc[0-6S]\.d/[SK]\d\d(.+)", path)
        if (
            is_run
            and target == f"../init.d/{is_run[1]}"
            and f"etc/init.d/{is_run[1]}" in scene.tree
        ):
            yield explained(path)
        elif words.has(path) and words.has(target.rstrip("/")):
            problem = attribute_problem(entry, "link", 0o777, (0, 0))
            yield changed(path, problem) if problem else explained(path)


def permissions(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check files of packages whose mode a maintainer script sets."""
    modes: dict[str, int] = {}
    for _, script in scene.scripts():
        for mode, words in changed_modes(script):
            modes |= {word.strip("\"'").lstrip("/"): mode for word in words}
    modes["var/cache/apt/archives/partial"] = 0o700  # apt-get itself
    for path in pending:
        entry = scene.tree.get(path)
        claims = scene.claims.by_path.get(path, ())
        if entry is None or not claims or path not in modes:
            continue
        digest = entry.content.digest if entry.content else ""
        if any(claim.file.digest == digest for claim in claims):
            problem = attribute_problem(entry, claims[0].file.kind, modes[path], (0, 0))
            yield changed(path, problem) if problem else explained(path, claims[0].owner)


def changed_modes(script: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the mode of each chmod command, and the words after it on its line."""
    for line in script.splitlines():
        for command in line.split("chmod")[1:]:
            words = command.split()
            options = takewhile(lambda word: word.startswith("-"), words)
            position = sum(1 for _ in options)
            mode = "".join(words[position : position + 1])
            if MODE.fullmatch(mode):
                yield int(mode, 8), words[position + 1 :]


def folders(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check folders that a maintainer script names."""
    words = _Words(scene)
    made = {
        path: (int(mode, 8), group)
        for _, script in words.scripts
        for path, mode, group in MADE_FOLDER.findall(script)
    }
    groups = dict(line.split(":")[0:3:2] for line in scene.text("etc/group").splitlines())
    for path in pending:
        entry = scene.tree.get(path)
        if entry is None or entry.kind != "folder" or path.startswith(OTHERS):
            continue
        mode, group = made.get(path, (0o755, "root"))
        if path in made or words.has(path):
            owner = (0, int(groups.get(group, "0")))
            problem = attribute_problem(entry, "folder", mode, owner)
            yield changed(path, problem) if problem else explained(path)


def units(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check what deb-systemd-helper writes for the units of packages."""
    for path, entry in scene.tree.items():
        folder, _, unit = path.rpartition("/")
        if f"{folder}/" != UNITS or entry.kind != "file":
            continue
        if not any(f"{HELPER}{name}" in pending for name in (f"{unit}.dsh-also",)) and not any(
            p.endswith(f"/{unit}") for p in pending
        ):
            continue
        wants = [
            f"{target}.wants/{unit}"
            for line in UNIT.findall(scene.text(path))
            for target in line.split()
        ]
        yield from _unit(scene, pending, unit, wants)


def _unit(scene: Scene, pending: Pending, unit: str, wants: list[str]) -> Iterator[Judgement]:
    for want in wants:
        link = f"etc/systemd/system/{want}"
        if link in pending and link in scene.tree:
            is_right = scene.tree[link].target in {f"/{UNITS}{unit}", f"/lib/systemd/system/{unit}"}
            yield explained(link) if is_right else changed(link, "it leads to another unit")
        if f"{HELPER}{want}" in pending and f"{HELPER}{want}" in scene.tree:
            yield check_file(scene, f"{HELPER}{want}", b"")
    also = f"{HELPER}{unit}.dsh-also"
    if also in pending and also in scene.tree:
        content = "".join(f"/etc/systemd/system/{want}\n" for want in wants)
        yield check_file(scene, also, content.encode())


def sources(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the list of mirrors that Orbiter makes from an example in the package apt."""
    example = "usr/share/doc/apt/examples/debian.sources"
    for each in scene.debs():
        if example in each.contents.texts:
            lines = as_text(each.contents.texts[example]).splitlines()
            kept = [line for line in lines if not line.startswith("#")]
            text = "".join(
                "Components: main\n" if line.startswith("Components:") else f"{line}\n"
                for line in kept
            )
            path = "etc/apt/sources.list.d/debian.sources"
            if path in pending and path in scene.tree:
                yield check_file(scene, path, as_bytes(text), package=each.package.owner)
