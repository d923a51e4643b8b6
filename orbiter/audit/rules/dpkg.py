"""The database of dpkg, made again from the locked packages. Formats: dpkg(1), deb822(5)."""

import fnmatch
import hashlib
import re
from collections.abc import Iterator, Mapping

from orbiter.audit.claims import InstalledContents
from orbiter.audit.result import Judgement
from orbiter.audit.rules.orbiter import dockerfile_files
from orbiter.audit.scene import (
    Pending,
    Scene,
    as_bytes,
    as_text,
    attribute_problem,
    changed,
    check_file,
    check_link,
    explained,
    first_difference,
)

INFO = "var/lib/dpkg/info/"
STATUS = "var/lib/dpkg/status"
EXCLUDES = "etc/dpkg/dpkg.cfg.d/orbiter"
ALTERNATIVES = "var/lib/dpkg/alternatives/"
SCRIPTS = frozenset({"preinst", "postinst", "prerm", "postrm", "config"})
FIELD = re.compile(r"^([!-9;-~]+):((?:.*)(?:\n[ \t].*)*)", re.MULTILINE)
WORD = re.compile(r"[^\s\"';=]+")


def info(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the control files and the file lists of the packages."""
    for each in scene.debs():
        for name, content in _info_files(each).items():
            mode = 0o755 if name in SCRIPTS else 0o644
            for path in _info_paths(each, name):
                if path in pending and path in scene.tree:
                    owner = each.package.owner
                    yield check_file(scene, path, content, mode=mode, package=owner)
    path = f"{INFO}format"
    if path in pending and path in scene.tree:
        yield check_file(scene, path, b"1\n")


def _info_paths(each: InstalledContents, name: str) -> tuple[str, str]:
    """Return the paths of a control file; packages that are Multi-Arch have two names."""
    architecture = _fields(as_text(each.contents.texts["control"])).get("Architecture", "")
    package = each.package.name
    return f"{INFO}{package}.{name}", f"{INFO}{package}:{architecture.strip()}.{name}"


def _info_files(each: InstalledContents) -> dict[str, bytes]:
    texts = each.contents.texts
    found = {name: text for name, text in texts.items() if name != "control" and "/" not in name}
    lines = "".join(f"/{path}\n" for path in each.contents.files)
    return {**found, "list": as_bytes(f"/.\n{lines}")}


def excluded(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Explain the files that dpkg leaves out, as its configuration of the Dockerfile says."""
    text = dockerfile_files(scene).get(EXCLUDES, b"").decode()
    rules = [line.partition("=") for line in text.splitlines()]
    patterns = [(name, re.compile(fnmatch.translate(pattern))) for name, _, pattern in rules]
    for path in pending:
        claims = scene.claims.by_path.get(path, ())
        if path not in scene.tree and claims and _is_excluded(f"/{path}", patterns):
            yield explained(path, claims[0].owner)


def _is_excluded(path: str, patterns: list[tuple[str, re.Pattern[str]]]) -> bool:
    is_excluded = False
    for name, pattern in patterns:
        if pattern.fullmatch(path):
            is_excluded = name == "path-exclude"
    return is_excluded


def status(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the list of installed packages, field by field."""
    if STATUS not in pending or STATUS not in scene.tree:
        return
    problem = check_file(scene, STATUS, None)
    if problem.verdict == "changed":
        yield problem
        return
    text = scene.text(STATUS)
    expected = _expected_status(scene, text)
    difference = first_difference(as_bytes(expected), as_bytes(text))
    yield problem if text == expected else changed(STATUS, difference)


def _expected_status(scene: Scene, text: str) -> str:
    """Return the list of installed packages, with packages and fields in the order of ``text``."""
    packages = {each.package.name: each for each in scene.debs()}
    base = _paragraphs(base_text(scene, STATUS))
    found = _paragraphs(text)
    names = [name for name in found if name in packages or name in base]
    names += sorted((packages.keys() | base.keys()) - set(names))
    parts = []
    for name in names:
        if name in packages:
            parts.append(_paragraph(scene, packages[name], found.get(name, "")))
        else:
            parts.append(base[name])
    return "\n\n".join(parts) + "\n\n"


def base_text(scene: Scene, path: str) -> str:
    """Return a file of the base image as text, "" if it has none."""
    for layer in scene.contents.layers[: len(scene.locked.base.layers)][::-1]:
        entry = layer.raw.entries.get(path)
        if entry is not None and entry.content:
            return as_text(entry.content.read())
    return ""


def _paragraphs(text: str) -> dict[str, str]:
    """Return the paragraphs of a control file by package."""
    found = {}
    for paragraph in text.rstrip("\n").split("\n\n"):
        name = _fields(paragraph).get("Package", "").strip()
        if name:
            found[name] = paragraph
    return found


def _fields(paragraph: str) -> dict[str, str]:
    """Return the fields of a paragraph; values keep their blanks and continued lines."""
    return dict(FIELD.findall(paragraph))


def _paragraph(scene: Scene, each: InstalledContents, found: str) -> str:
    """Return the paragraph of an installed package, with the fields in the order of ``found``."""
    fields = _fields(as_text(each.contents.texts["control"]).rstrip("\n"))
    fields["Status"] = " install ok installed"
    if "conffiles" in each.contents.texts:
        fields["Conffiles"] = _conffiles(scene, each, _fields(found).get("Conffiles", ""))
    order = [name for name in _fields(found) if name in fields]
    order += [name for name in fields if name not in order]
    return "\n".join(f"{name}:{fields[name]}" for name in order)


def _conffiles(scene: Scene, each: InstalledContents, found: str) -> str:
    """Return the field with the MD5 sums of configuration files.

    The sum of a file that the image lacks, or has changed, cannot be computed.
    """
    known = dict(re.findall(r"\n (\S+) ([0-9a-f]{32})", found))
    lines = []
    for line in as_text(each.contents.texts["conffiles"]).splitlines():
        words = line.split()
        path = words[-1].lstrip("/")
        if len(words) > 1:
            continue
        claims = [c for c in scene.claims.by_path.get(path, ()) if c.owner == each.package.owner]
        entry = scene.tree.get(path)
        has_file = entry and entry.content and claims
        if has_file and entry and entry.content and entry.content.digest == claims[0].file.digest:
            sum_ = hashlib.md5(scene.read(path), usedforsecurity=False).hexdigest()
        else:
            sum_ = known.get(words[-1], "")
        lines.append(f"\n {words[-1]} {sum_}")
    return "".join(lines)


def alternatives(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the groups of alternatives, whose words are in scripts, and their links."""
    words = _alternative_words(scene)
    for path in sorted(path for path in scene.tree if path.startswith(ALTERNATIVES)):
        group = scene.text(path).split("\n")
        name = path.removeprefix(ALTERNATIVES)
        if path in pending:
            unknown = sorted({word for word in group[1:] if word and word not in words})
            problem = check_file(scene, path, None)
            if unknown and problem.verdict == "explained":
                problem = changed(path, f"no package's script has the word {unknown[0]!a}")
            yield problem
        yield from _alternative_links(scene, pending, name, group)


def _alternative_words(scene: Scene) -> frozenset[str]:
    """Return the words of scripts that set alternatives; base images have their groups."""
    found: set[str] = set()
    for _, script in scene.scripts():
        if "update-alternatives" in script:
            found.update(WORD.findall(script))
    for layer in scene.contents.layers[: len(scene.locked.base.layers)]:
        for path, entry in layer.raw.entries.items():
            if path.startswith(ALTERNATIVES) and entry.content:
                found.update(as_text(entry.content.read()).split("\n"))
    return frozenset(found)


def _alternative_links(
    scene: Scene, pending: Pending, name: str, group: list[str]
) -> Iterator[Judgement]:
    """Check the links of a group: to /etc/alternatives, and from there to the best choice."""
    names = {name: group[1] if len(group) > 1 else ""}
    end = group.index("", 2) if "" in group[2:] else len(group)
    names |= dict(zip(group[2:end:2], group[3:end:2], strict=False))
    step = 2 + len(names) - 1
    choices = [group[at : at + step] for at in range(end + 1, len(group), step)]
    complete = [each for each in choices if len(each) == step and each[1].lstrip("-").isdigit()]
    best = max(complete, key=lambda each: int(each[1]), default=[])
    targets = dict(zip(names, (best[:1] + best[2:]) if best else [], strict=False))
    for each, link in names.items():
        for path, target in (
            (f"etc/alternatives/{each}", targets.get(each, "")),
            (link.lstrip("/"), f"/etc/alternatives/{each}"),
        ):
            real = path if path in scene.tree else path.replace("bin/", "usr/bin/", 1)
            if real in pending and real in scene.tree:
                yield check_link(scene, real, (target,))


def triggers(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the triggers that the packages are interested in."""
    expected: dict[str, set[str]] = {}
    for each in scene.debs():
        names = _trigger_names(each)
        for line in as_text(each.contents.texts.get("triggers", b"")).splitlines():
            word, _, trigger = line.strip().partition(" ")
            if word.startswith("interest"):
                await_ = "/noawait" if word == "interest-noawait" else ""
                file, prefix = _trigger_file(trigger.strip())
                lines = {f"{prefix}{name}{await_}" for name in names}
                expected.setdefault(file, set()).update(lines)
    for path in sorted(pending):
        folder, _, name = path.rpartition("/")
        if folder == "var/lib/dpkg/triggers" and path in scene.tree:
            base = set(base_text(scene, path).splitlines())
            yield _trigger(scene, path, expected.get(name, set()) | base)


def _trigger_names(each: InstalledContents) -> set[str]:
    fields = _fields(as_text(each.contents.texts["control"]))
    name = each.package.name
    return {name, f"{name}:{fields.get('Architecture', '').strip()}"}


def _trigger_file(trigger: str) -> tuple[str, str]:
    """Return the file that has a trigger, and the start of its line."""
    return ("File", f"{trigger} ") if trigger.startswith("/") else (trigger, "")


def _trigger(scene: Scene, path: str, expected: set[str]) -> Judgement:
    name = path.rpartition("/")[2]
    mode = 0o600 if name == "Lock" else 0o644
    problem = check_file(scene, path, None, mode=mode)
    unknown = sorted(set(scene.text(path).splitlines()) - expected)
    if problem.verdict == "explained" and unknown:
        return changed(path, f"no package has the trigger {unknown[0]!a}")
    return problem


EMPTY: Mapping[str, int] = {
    "var/lib/dpkg/available": 0o644,
    "var/lib/dpkg/lock": 0o640,
    "var/lib/dpkg/lock-frontend": 0o640,
    "var/lib/dpkg/statoverride": 0o644,
    "var/lib/apt/extended_states": 0o644,
}
"""Files without content that dpkg and apt make, with their modes."""


EMPTY_FOLDERS = ("var/cache/debconf/tmp.ci", "var/log", "var/log/apt")
"""Folders that debconf and apt make, whose content no layer has."""


def state(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the small files that dpkg and apt make."""
    for path, mode in EMPTY.items():
        if path in pending and path in scene.tree:
            yield check_file(scene, path, b"", mode=mode)
    for path in EMPTY_FOLDERS:
        if path in pending and path in scene.tree:
            problem = attribute_problem(scene.tree[path], "folder", 0o755, (0, 0))
            yield changed(path, problem) if problem else explained(path)
    path = "var/lib/dpkg/arch-native"
    if path in pending and path in scene.tree:
        architecture = scene.locked.platform.split("/")[1]
        yield check_file(scene, path, f"{architecture}\n".encode())
    path = "var/lib/dpkg/diversions"
    if path in pending and path in scene.tree:
        yield _diversions(scene, path)


def _diversions(scene: Scene, path: str) -> Judgement:
    """Check the diversions: three lines each, of a package whose scripts divert files."""
    lines = scene.text(path).splitlines()
    diverting = {each.package.name for each, script in scene.scripts() if "dpkg-divert" in script}
    base = base_text(scene, path).splitlines()
    for at in range(0, len(lines), 3):
        original, diverted, package = (*lines[at : at + 3], "", "")[:3]
        suffix = ".usr-is-merged"
        folder, _, name = original.rpartition("/")
        is_known = diverted in {f"{original}{suffix}", f"{folder}/.{name}{suffix}"}
        is_words = any(original in script and diverted in script for _, script in scene.scripts())
        if lines[at : at + 3] in [base[i : i + 3] for i in range(0, len(base), 3)]:
            continue
        if package not in diverting or not (is_known or is_words):
            return changed(path, f"no script diverts {original!a} to {diverted!a}")
    return check_file(scene, path, None)
