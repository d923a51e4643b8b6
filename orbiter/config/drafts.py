"""The stages of images.toml as people wrote them, by name."""

from collections.abc import Mapping

import msgspec

from orbiter.config.image_set import Kind
from orbiter.config.mistakes import Mistakes, key_path, suggest
from orbiter.config.schema import Build, ConfigFile, Image


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A stage as written, with the path of its table."""

    name: str
    path: str
    builder: str
    image: str
    kind: Kind
    table: Build
    build: str = ""


def stage_drafts(file: ConfigFile, mistakes: Mistakes) -> dict[str, Draft]:
    """Return every stage by name."""
    drafts: dict[str, Draft] = {}
    for builder, images in file.image.items():
        for image in sorted(images):
            for draft in _image_drafts(file, builder, image):
                other = drafts.setdefault(draft.name, draft)
                if other is not draft:
                    problem = f"the stage '{draft.name}' is defined twice: also by {other.path}"
                    mistakes.add(draft.path, problem, hint="give the image another name")
    return drafts


def _image_drafts(file: ConfigFile, builder: str, image: str) -> tuple[Draft, ...]:
    """Return the final stage of an image and, if it has one, its build stage."""
    table = file.image[builder][image]
    path = key_path(key_path("image", builder), image)
    final = Draft(
        name=f"{builder}-{image}",
        path=path,
        builder=builder,
        image=image,
        kind="final",
        table=table,
    )
    if not isinstance(table.build, Build):
        return (final,)
    build = Draft(
        name=f"{final.name}-build",
        path=f"{path}.build",
        builder=builder,
        image=image,
        kind="build",
        table=table.build,
    )
    return msgspec.structs.replace(final, build=build.name), build


def inherited_variables(draft: Draft, drafts: Mapping[str, Draft]) -> set[str]:
    """Return the names in ``env`` of all parents."""
    names: set[str] = set()
    seen = set()
    while draft.table.from_ and draft.name not in seen:
        seen.add(draft.name)
        parent = drafts.get(f"{draft.builder}-{draft.table.from_}")
        if parent is None:
            break
        names |= parent.table.env.keys() if isinstance(parent.table, Image) else set()
        draft = parent
    return names


def named_parent(draft: Draft, drafts: Mapping[str, Draft], mistakes: Mistakes) -> str:
    """Return the stage that ``from`` names, "" if it names none."""
    image = draft.table.from_
    if not image:
        return ""
    prefix = f"{draft.builder}-"
    if f"{prefix}{image}" in drafts:
        return f"{prefix}{image}"
    siblings = [other for other in drafts.values() if other.builder == draft.builder]
    known = [other.name.removeprefix(prefix) for other in siblings]
    mistakes.add(
        f"{draft.path}.from",
        f"unknown image '{image}'",
        expected=f"one of {', '.join(known)}",
        hint=suggest(image, known, f"declare [image.{draft.builder}.{image}]"),
    )
    return ""
