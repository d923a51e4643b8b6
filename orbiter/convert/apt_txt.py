"""Read apt.txt, the list of Debian packages of repo2docker."""

from pathlib import Path

from orbiter.convert.collect import Collector


def read(file: Path, text: str, collector: Collector) -> None:
    """Collect the packages; like in repo2docker, a ``#`` starts a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        code, _, comment = line.partition("#")
        for package in code.split():
            what = f"{file}:{number}: '{package}'"
            collector.add("apt", package, comment.strip(), what=what)
