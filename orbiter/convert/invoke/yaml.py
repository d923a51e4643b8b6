"""invoke.yaml as data in which lists keep the names of their YAML anchors. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.convert.environment_yml import LINE
from resolvers.errors import ExpectedError

ANCHOR = re.compile(
    r"^([ \t]*(?:- +)*(?:[\w.-]+:[ \t]+)?)&([\w-]+)(?=[ \t]*\r?$|[ \t]+[^ \t!])", re.MULTILINE
)
TAG = "!anchor."
"""A YAML reader drops anchors and keeps tags, also where an alias repeats what has one."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A list with an anchor: the anchor's name as that of a set (``&alpine_core`` is ``alpine-core``), its entries."""

    name: str
    items: tuple[Any, ...]


def parsed(file: str, text: str) -> dict[str, Any]:
    """The data of an invoke.yaml. Raises ExpectedError naming ``file`` where it is none."""
    import yaml12

    try:
        data = _plain(yaml12.parse_yaml(ANCHOR.sub(rf"\1{TAG}\2 &\2", text)))
    except ValueError as error:
        raise ExpectedError(f"{file} cannot be read: {error}", "correct the file's YAML") from None
    if not _is_image_set(data):
        problem = f"{file} holds no image set: it has no 'build' with builders and their images"
        raise ExpectedError(
            problem,
            "a list of packages is for one image: orbiter import FILE --image micromamba-base",
        )
    return dict(data)


def is_image_set(text: str) -> bool:
    """Whether a text describes a whole image set: ``build``, whose builders have images that tell what they are of."""
    try:
        return bool(parsed("", text))
    except ExpectedError:
        return False


def comments(text: str) -> Mapping[str, str]:
    """The comments behind the entries of lists, which YAML readers drop, by entry; of entries that are there once."""
    lines = [(line["text"], line["comment"]) for line in LINE.finditer(text)]
    texts = [entry for entry, _ in lines]
    return {entry: comment for entry, comment in lines if comment and texts.count(entry) == 1}


def flat(value: object) -> Iterator[Any]:
    """The entries of a list, with those of lists inside it; a single value is a list of one, nothing one of none."""
    if isinstance(value, Shared):
        value = list(value.items)
    if isinstance(value, list):
        for each in value:
            yield from flat(each)
    elif value is not None:
        yield value


def _plain(value: Any) -> Any:
    import yaml12

    if isinstance(value, yaml12.Yaml):
        inner, tag = _plain(value.value), str(value.tag)
        if isinstance(inner, list) and tag.startswith(TAG):
            return Shared(name=_set_name(tag.removeprefix(TAG)), items=tuple(inner))
        return inner
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    return value


def _set_name(anchor: str) -> str:
    return re.sub("[^a-z0-9]+", "-", anchor.lower()).strip("-") or "shared"


def _is_image_set(data: object) -> bool:
    build = data.get("build") if isinstance(data, dict) else None
    builders = list(build.values()) if isinstance(build, dict) else []
    images = [
        image for builder in builders if isinstance(builder, dict) for image in builder.values()
    ]
    return any(
        isinstance(image, dict) and ("image" in image or "builder" in image) for image in images
    )
