"""Requirements whose packages images.toml, or the imported file itself, already requests."""

import re
from collections.abc import Mapping

from packaging.utils import canonicalize_name

from orbiter.config.requirements import package_name
from orbiter.config.toml_format import ListItem
from orbiter.convert.destination import Destination
from orbiter.convert.outcome import LeftOut

UNVERSIONED = re.compile(r"[\w.-]+")
"""A requirement without a version, which every other requirement for the package satisfies."""

OTHER_MANAGER = {"pip": "conda", "conda": "pip"}
"""The other manager that may have a Python package."""

Lists = Mapping[str, tuple[ListItem, ...]]


def new_requirements(requirements: Lists, destination: Destination) -> tuple[Lists, list[LeftOut]]:
    """Return the requirements for new packages, and those that differ from existing ones."""
    added: dict[str, tuple[ListItem, ...]] = {}
    left_out: list[LeftOut] = []
    for manager, entries in requirements.items():
        existing = destination.existing(manager)
        existing_by_name = {package_name(manager, text): text for text in existing}
        rivals = _rivals(manager, requirements, destination)
        new: dict[str, ListItem] = {}
        for entry in entries:
            name = package_name(manager, entry.text)
            if name in existing_by_name:
                reason = f"images.toml already has '{existing_by_name[name]}'"
                left_out += _duplicate(manager, entry.text, existing_by_name[name], reason)
            elif reason := rivals.get(canonicalize_name(name), ""):
                left_out.append(LeftOut(what=f"{manager} '{entry.text}'", why=reason))
            elif name not in new or UNVERSIONED.fullmatch(new[name].text):
                new[name] = entry
            else:
                reason = f"the file already has '{new[name].text}'"
                left_out += _duplicate(manager, entry.text, new[name].text, reason)
        if new:
            added[manager] = tuple(new.values())
    return added, left_out


def _rivals(manager: str, requirements: Lists, destination: Destination) -> dict[str, str]:
    """Return why a Python package is not added, by names that pip and conda both use.

    A stage that requests a package from both cannot be locked. In one file, conda's counts.
    """
    other = OTHER_MANAGER.get(manager, "")
    existing = destination.existing(other) if other else ()
    of_file = [item.text for item in requirements.get("conda", ()) if manager == "pip"]
    return {
        canonicalize_name(package_name(other, text)): f"{owner} already has '{text}' for {other}"
        for owner, texts in (("the file", of_file), ("images.toml", existing))
        for text in texts
    }


def _duplicate(manager: str, text: str, other: str, reason: str) -> list[LeftOut]:
    """Return the requirement unless the other one for the same package implies it."""
    if UNVERSIONED.fullmatch(text) or "".join(text.split()) == "".join(other.split()):
        return []
    return [LeftOut(what=f"{manager} '{text}'", why=reason)]
