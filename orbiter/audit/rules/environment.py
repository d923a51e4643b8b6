"""Files that uv writes into /opt/env: records, launchers of programs, the virtual environment."""

import base64
import configparser
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping

from orbiter.audit.claims import ENVIRONMENT, InstalledContents, site_packages
from orbiter.audit.packages.files import package_contents
from orbiter.audit.packages.wheel import SITE, read_uv
from orbiter.audit.result import Judgement
from orbiter.audit.scene import (
    Pending,
    Scene,
    as_text,
    changed,
    check_file,
    check_link,
)

PYTHON = "/opt/env/bin/python3"
LAUNCHER = """#!{python}
# -*- coding: utf-8 -*-
import sys
from {module} import {name}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({function}())
"""
"""The program that uv writes for an entry point."""
ENTRY = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<function>[\w.]+)\s*(?:\[.*\])?")
INSTALLER = b"uv"
"""The content of the file INSTALLER."""


def launchers(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the programs that uv writes for entry points, and scripts with ``#!python``."""
    for each in scene.claims.of_manager("pip"):
        for name, content in _programs(scene, each).items():
            path = f"{ENVIRONMENT}bin/{name}"
            if path in pending and path in scene.tree:
                yield check_file(
                    scene, path, content, mode=0o755, owner=scene.user, package=each.package.owner
                )


def _programs(scene: Scene, each: InstalledContents) -> dict[str, bytes]:
    """Return the programs that uv writes for a package, by name."""
    programs: dict[str, bytes] = {}
    for path, text in each.contents.texts.items():
        if path.endswith(".dist-info/entry_points.txt"):
            programs |= _entry_points(as_text(text))
    if each.package.name == "pip" and "pip3" in programs:
        minor = ".".join(scene.locked.target.python.split(".")[:2])
        programs[f"pip{minor}"] = programs["pip3"]
    for path, text in each.contents.texts.items():
        if path.startswith("scripts/"):
            rest = text.partition(b"\n")[2]
            programs[path.removeprefix("scripts/")] = f"#!{PYTHON}\n".encode() + rest
    return programs


def _entry_points(text: str) -> dict[str, bytes]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    found = {}
    for section in ("console_scripts", "gui_scripts"):
        for name, value in parser.items(section) if parser.has_section(section) else ():
            if match := ENTRY.fullmatch(value.strip()):
                function = match["function"]
                text = LAUNCHER.format(
                    python=PYTHON,
                    module=match["module"],
                    name=function.partition(".")[0],
                    function=function,
                )
                found[name] = text.encode()
    return found


def records(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the files that uv writes into .dist-info folders: RECORD, INSTALLER and REQUESTED."""
    site = site_packages(scene.tree)
    for each in scene.claims.of_manager("pip"):
        record = next((p for p in each.contents.texts if p.endswith(".dist-info/RECORD")), "")
        folder = f"{site}/{record.removeprefix(f'{SITE}/').rpartition('/')[0]}"
        contents = {
            "INSTALLER": INSTALLER,
            "REQUESTED": b"",
            "RECORD": _record(scene, each, record),
        }
        for name, content in contents.items():
            path = f"{folder}/{name}"
            if path in pending and path in scene.tree:
                claims = scene.claims.by_path.get(path, ())
                mode = claims[0].file.mode if claims else 0o644
                owner = each.package.owner
                yield check_file(scene, path, content, mode=mode, owner=scene.user, package=owner)


def _record(scene: Scene, each: InstalledContents, record: str) -> bytes:
    """Return the RECORD of an installed wheel: sorted, with the files that uv adds."""
    folder = record.removeprefix(f"{SITE}/").rpartition("/")[0]
    data = re.compile(re.escape(folder.removesuffix(".dist-info")) + r"\.data/([a-z]+)/(.+)")
    rows = {}
    for row in csv.reader(io.StringIO(as_text(each.contents.texts.get(record, b"")))):
        if row:
            rows[_installed_path(row[0], data)] = row[1:]
    programs = {f"../../../bin/{name}": text for name, text in _programs(scene, each).items()}
    written = {f"{folder}/INSTALLER": INSTALLER, f"{folder}/REQUESTED": b"", **programs}
    rows |= {path: [_record_hash(text), str(len(text))] for path, text in written.items()}
    rows[f"{folder}/RECORD"] = ["", ""]
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerows([path, *rows[path]] for path in sorted(rows))
    return output.getvalue().encode(errors="surrogateescape")


def _installed_path(path: str, data: re.Pattern[str]) -> str:
    match = data.fullmatch(path)
    if match is None or match[1] in {"purelib", "platlib"}:
        return match[2] if match else path
    places: Mapping[str, str] = {"scripts": "../../../bin/", "data": "../../../"}
    return f"{places.get(match[1], '../../../include/')}{match[2]}"


def _record_hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


def virtual_environment(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check what uv writes for a virtual environment, with the templates in the locked uv."""
    uv = next((each for each in scene.locked.installers() if each.name == "uv"), None)
    if uv is None or f"{ENVIRONMENT}pyvenv.cfg" not in scene.tree:
        return
    version = uv.version
    yield from _configuration(scene, pending, version)
    yield from _links(scene, pending)
    templates = package_contents(uv.file, read_uv, scene.store).texts["templates"]
    site = site_packages(scene.tree)
    names = [p for p in pending if re.fullmatch(rf"{ENVIRONMENT}bin/(de)?activate[^/]*", p)]
    names += [f"{site}/_virtualenv.py", f"{site}/_virtualenv.pth", f"{ENVIRONMENT}bin/pydoc.bat"]
    for path in names:
        if path in pending and path in scene.tree:
            problem = check_file(scene, path, None, owner=scene.user)
            if problem.verdict == "changed" or _is_template(scene.read(path), templates):
                yield problem
            else:
                yield changed(path, "its content is not that of the template in uv")


def _configuration(scene: Scene, pending: Pending, version: str) -> Iterator[Judgement]:
    path = f"{ENVIRONMENT}pyvenv.cfg"
    if path in pending:
        python = scene.locked.target.python
        text = (
            f"home = /usr/bin\nimplementation = CPython\nuv = {version}\n"
            f"version_info = {python}\ninclude-system-site-packages = false\n"
        )
        yield check_file(scene, path, text.encode(), owner=scene.user)


def _links(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    minor = ".".join(scene.locked.target.python.split(".")[:2])
    targets = {
        "lib64": ("lib",),
        "bin/python": ("/usr/bin/python3", f"/usr/bin/python{minor}"),
        "bin/python3": ("python",),
        f"bin/python{minor}": ("python",),
    }
    for name, wanted in targets.items():
        path = f"{ENVIRONMENT}{name}"
        if path in pending and path in scene.tree:
            yield check_link(scene, path, wanted, owner=scene.user)


VARIABLE = re.compile(rb"\{\{ *(\w+) *\}\}")
VALUE = re.compile(
    rb"""'/opt/env'|/opt/env|''|bin|false|true|(\.\./)?lib/python3\.\d+/site-packages|:"""
    rb"""|b""\.decode\("utf-8"\)|__import__\("os"\)\.fsdecode\(b"bin"\)|"""
)
"""The words that uv puts in place of the variables; the last one is empty."""


def _is_template(content: bytes, templates: bytes) -> bool:
    """Return whether a content is one of the templates, with any words for its variables."""
    lines = content.split(b"\n")
    # Templates share their licence, so a line of one template alone finds it.
    known = {line: templates.count(line) for line in lines if line.strip()}
    fixed = min((line for line in known if known[line]), key=known.__getitem__, default=b"")
    if not fixed:
        return False
    # The program has no line end between two templates.
    end = templates.find(fixed) + len(fixed)
    first = templates.rfind(lines[0], 0, end)
    return first >= 0 and _matches(content, templates[first : first + 2 * len(content)])


def _matches(content: bytes, template: bytes) -> bool:
    """Return whether a template begins with a content, whose variables have plain words."""
    position = end = 0
    for match in VARIABLE.finditer(template):
        fixed = template[end : match.start()]
        if content[position : position + len(fixed)] != fixed:
            break
        position, end = position + len(fixed), match.end()
        value = VALUE.match(content, position)
        if value is None:
            return False
        position = value.end()
    return template[end : end + len(content) - position] == content[position:]
