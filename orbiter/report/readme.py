"""The section of a README that lists the images of a release. Pure."""

from collections.abc import Mapping, Sequence
from itertools import compress
from urllib.parse import quote

from orbiter.lockset.model import LockSet
from orbiter.lockset.record import Digests, RecordedImage
from orbiter.query.packages import ListedImage, Selection, listing
from orbiter.report import markup
from orbiter.report.notable import notable
from orbiter.sizes import format_size
from resolvers.errors import ExpectedError

BEGIN = "<!-- orbiter readme: begin -->"
END = "<!-- orbiter readme: end -->"
MARKERS = f"\n\n  {BEGIN}\n  {END}"
"""The two lines, as hints show them."""
NOTE = "<!-- Written by `orbiter readme`. Changes here are lost. -->"
HEADER = ("image", "platform", "size", "packages", "digest")


def section(lock_set: LockSet, digests: Digests) -> str:
    """Return the Markdown of the section: badges, the table of images, and commands to pull them.

    Sizes are those of the compressed layers, which users download.
    """
    listed = {image.name: image for image in listing(lock_set, Selection()).images}
    repository, release = lock_set.image_set.repository, digests.release
    blocks = (
        NOTE,
        _badges(release, digests.stages),
        _table(release, digests.stages, listed),
        _pull_commands(f"{repository}:", release, digests.stages),
    )
    return "\n\n".join(blocks)


def replace_section(text: str, content: str, file: str) -> str:
    """Return the text of a README with a new section between its two markers.

    Keeps the line ends of the text. Raises ExpectedError if a marker is missing, repeated or in the
    wrong place; ``file`` is for errors.
    """
    lines = text.splitlines(keepends=True)
    begin, end = (_marker_line(lines, marker, file) for marker in (BEGIN, END))
    if end < begin:
        raise ExpectedError(f"{file}:{end + 1}: the end marker precedes the begin marker", _HINT)
    newline = lines[begin][len(lines[begin].rstrip("\r\n")) :]
    new = "".join(f"{line}{newline}" for line in content.splitlines())
    return "".join(lines[: begin + 1]) + new + "".join(lines[end:])


_HINT = f"put these two lines where the table of images belongs:{MARKERS}"


def _marker_line(lines: Sequence[str], marker: str, file: str) -> int:
    """Return the index of the only line that is the marker."""
    found = [number for number, line in enumerate(lines) if line.strip() == marker]
    if not found:
        raise ExpectedError(f"{file} has no line '{marker}'", _HINT)
    if len(found) > 1:
        raise ExpectedError(
            f"{file}:{found[1] + 1}: the line '{marker}' is repeated", "remove one of the sections"
        )
    return found[0]


def _badges(release: str, stages: Mapping[str, Mapping[str, RecordedImage]]) -> str:
    """Return a badge with the release, and one with the size of each image."""
    badges = [_badge("release", release, "blue")]
    for stage, images in stages.items():
        largest = max(image.size for image in images.values())
        badges.append(_badge(stage, format_size(largest), "informational"))
    return "\n".join(badges)


def _badge(label: str, message: str, colour: str) -> str:
    """Return a static badge of shields.io, whose format doubles dashes and underscores."""
    words = (word.replace("-", "--").replace("_", "__") for word in (label, message))
    path = "-".join((*(quote(word, safe="") for word in words), colour))
    return f"![{label}: {message}](https://img.shields.io/badge/{path})"


def _table(
    release: str,
    stages: Mapping[str, Mapping[str, RecordedImage]],
    listed: Mapping[str, ListedImage],
) -> str:
    """Return a row for each image and platform; the platform is omitted if there is only one."""
    has_platforms = any(len(images) > 1 for images in stages.values())
    shown = (True, has_platforms, True, True, True)
    rows = [HEADER, ("---",) * len(HEADER)]
    for stage, images in stages.items():
        for platform, image in images.items():
            rows.append(
                (
                    markup.cell(f"{stage}-{release}"),
                    platform,
                    format_size(image.size),
                    _notable(listed[stage], platform),
                    markup.cell(image.digest),
                )
            )
    return "\n".join(f"| {' | '.join(compress(row, shown))} |" for row in rows)


def _notable(image: ListedImage, platform: str) -> str:
    """Return the names and versions of a few packages, and the number of all others."""
    return ", ".join(map(markup.text, notable(image, platform)))


def _pull_commands(
    prefix: str, release: str, stages: Mapping[str, Mapping[str, RecordedImage]]
) -> str:
    """Return a code block with a command for each image; the tag of one platform has a digest."""
    lines = []
    for stage, images in stages.items():
        reference = f"{prefix}{stage}-{release}"
        if len(images) == 1:
            (image,) = images.values()
            reference = f"{reference}@{image.digest}"
        lines.append(f"docker pull {reference}")
    return "\n".join(("```console", *lines, "```"))
