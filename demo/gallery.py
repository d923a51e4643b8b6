"""Make the examples of docs/gallery.md with real commands, from the releases in locks/.

A block ``console`` whose first line is ``$ orbiter …`` gets the output of that command. The pages
that the gallery links are written to docs/gallery/. ``make gallery`` writes all of it, and a test
compares. No network and no Docker engine are used.

Lock files do not record all sizes and licences. package-facts.json has those of the packages of
release 0.2.0. To write it again: ``orbiter fetch --release 0.2.0``, then
``python -m demo.gallery facts``.
"""

import gzip
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from msgspec.structs import replace

from orbiter.config.check_keys import LicencesTable
from orbiter.licences.collect import inventory_of
from orbiter.lockfiles.types import Scope
from orbiter.lockset import folder
from orbiter.report import pages
from orbiter.report.release import page
from orbiter.report.release.contents import Contents, read_contents
from orbiter.report.release.drawing import draw
from orbiter.report.release.package_sizes import hashes, sizes_of
from orbiter.sbom.artifacts import with_stored_facts
from orbiter.sbom.collect import bill_of
from orbiter.sbom.model import Bill
from orbiter.store.store import Store

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GALLERY = "gallery.md"
FACTS = Path(__file__).with_name("package-facts.json")
RELEASE = "0.2.0"
IMAGE = Scope("debian-base", "linux/amd64")
BLOCK = re.compile(r"^```console\n\$ orbiter (?P<words>.*)\n(?:(?!```$).*\n)*```$", re.MULTILINE)
PICTURE = "gallery/packages.svg"
REPORT = f"gallery/report-{RELEASE}.html"
ADVISORIES = f"--database {ROOT / 'tests/data/osv'} --max-age 99999"
"""A few real records, which are in the repository."""
PAGES = {
    "gallery/changes.html": f"diff-locks 0.1.0 {RELEASE} --format html",
    "gallery/vulnerabilities.html": f"audit --vulnerabilities --release {RELEASE} --format html "
    f"{ADVISORIES}",
    "gallery/sbom.json": f"sbom --release {RELEASE} --image base",
}
"""The files that commands write to standard output, by path below docs/."""
PICTURE_STYLE = (
    "svg { background: #fff; font-family: sans-serif; font-size: 12px; } "
    ".heading { font-weight: 600; } rect { stroke: #fff; stroke-width: 1.5; } "
    ".apt rect { fill: #cfe8ff; } .pip rect { fill: #ffe7a8; } .npm rect { fill: #ffd6d1; }"
)
PAIRS = ROOT / "tests" / "data" / "locks" / "pairs"
SAMPLES = {
    "old/conda-lock.yml": "conda-lock/03-pytorch-next-tag/old.conda-lock.yml.gz",
    "new/conda-lock.yml": "conda-lock/03-pytorch-next-tag/new.conda-lock.yml.gz",
    "package-lock.json": "package-lock/04-jupyterhub-jsx/new.package-lock.json.gz",
    "poetry.lock": "poetry/04-poetry-2.0-to-2.1/new.poetry.lock.gz",
}
"""Lock files of other projects, by their path in the folder of the commands."""
DIGEST_LENGTH = len("sha256:") + 16
"""Characters of a hash in package-facts.json, to keep it small."""


class Fact(NamedTuple):
    """The size of a package's file in bytes, and its licence."""

    size: int
    licence: str


def main() -> None:
    """Write the gallery, or the facts."""
    if sys.argv[1:] == ["facts"]:
        FACTS.write_text(facts_text(Store()), encoding="utf-8")
        return
    gallery = DOCS / GALLERY
    gallery.write_text(with_outputs(gallery.read_text(encoding="utf-8")), encoding="utf-8")
    contents = report_contents()
    files = {PICTURE: picture(contents), REPORT: page.render(contents)}
    files |= {path: run(command) for path, command in PAGES.items()}
    for path, text in files.items():
        (DOCS / path).write_text(text, encoding="utf-8")


def with_outputs(text: str) -> str:
    """Return the text of the gallery with the outputs of its commands."""
    return BLOCK.sub(
        lambda block: f"```console\n$ orbiter {block['words']}\n{run(block['words'])}```", text
    )


def run(command: str) -> str:
    """Return the output of a command, with an empty cache."""
    with TemporaryDirectory() as scratch:
        project = Path(scratch)
        fill(project)
        # Settings of Orbiter on this machine would change the output.
        own = {name for name in os.environ if name.startswith("ORBITER_")}
        environment = {
            **{name: os.environ[name] for name in os.environ.keys() - own},
            "ORBITER_CONFIG_FILE": os.devnull,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(project / "cache"),
            "COLUMNS": "80",
            "NO_COLOR": "1",
        }
        done = subprocess.run(
            [sys.executable, "-m", "orbiter", *shlex.split(command)],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if not done.stdout:
        raise SystemExit(f"orbiter {command}: {done.stderr}")
    return done.stdout


def fill(project: Path) -> None:
    """Put the releases and the lock files of other projects into a folder."""
    (project / "locks").symlink_to(ROOT / "locks")
    for path, sample in SAMPLES.items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_bytes(gzip.decompress((PAIRS / sample).read_bytes()))


def report_contents() -> Contents:
    """Return the contents of the page about the release, with the facts of its packages."""
    facts = read_facts()
    lock_set = folder.read(folder.release_folder(RELEASE, ROOT / "locks"))
    with TemporaryDirectory() as scratch:
        empty = Store(Path(scratch))
        contents = read_contents(lock_set, empty, LicencesTable(), locks=ROOT / "locks")
    bill = with_facts(bill_of(lock_set), facts)
    refs = frozenset(each.ref for each in bill.components if each.hash[:DIGEST_LENGTH] in facts)
    return replace(
        contents,
        licences=inventory_of(bill, refs, (), ()),
        stored={
            digest: facts[digest[:DIGEST_LENGTH]].size
            for entries in contents.packages.values()
            for entry in entries
            for digest in hashes(entry)
            if digest[:DIGEST_LENGTH] in facts
        },
    )


def with_facts(bill: Bill, facts: Mapping[str, Fact]) -> Bill:
    """Return a bill with the licences of its packages."""
    components = tuple(
        replace(each, license=facts[each.hash[:DIGEST_LENGTH]].licence)
        if each.hash[:DIGEST_LENGTH] in facts
        else each
        for each in bill.components
    )
    return replace(bill, components=components)


def picture(contents: Contents) -> str:
    """Return the treemap of an image as a picture, in the colours of a light page."""
    sizes = sizes_of(contents.packages[IMAGE], contents.stored)
    drawing = draw(sizes, *page.WIDE)
    drawn = pages.template("release/treemap.html.j2").render(
        name="wide", drawing=drawing, image=IMAGE.environment
    )
    head, _, rest = drawn.partition(">\n")
    head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}>\n<style>{PICTURE_STYLE}</style>\n{rest}"


def read_facts() -> dict[str, Fact]:
    """Return the facts of packages by the beginning of their hash."""
    content = json.loads(FACTS.read_text(encoding="utf-8"))
    return {digest: Fact(*fact) for digest, fact in content.items()}


def facts_text(store: Store) -> str:
    """Return the text of package-facts.json, with a line for each package in the store."""
    bill = bill_of(folder.read(folder.release_folder(RELEASE, ROOT / "locks")))
    found, read, _ = with_stored_facts(bill, store)
    facts = {
        each.hash[:DIGEST_LENGTH]: Fact(store.path(each.hash).stat().st_size, each.license)
        for each in found.components
        if each.hash and store.has(each.hash) and (each.ref in read or each.manager == "npm")
    }
    lines = (f"{json.dumps(digest)}: {json.dumps(fact)}" for digest, fact in sorted(facts.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
