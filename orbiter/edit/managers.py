"""The manager of a requirement that was written without one. Pure."""

import re
from collections.abc import Iterable

from orbiter.config.builders import APK_BUILDER, CONDA_BUILDER
from orbiter.config.requirements import SYNTAXES
from orbiter.edit.images_file import StageRequirement

CONDA_FORMS = re.compile(r"\S*::|https://\S*\.(?:conda|tar\.bz2)(?:#\S*)?$")
APK_FORMS = re.compile(r"(?:cmd|so|pc):|[^@\s]+@[a-z0-9]")
PIP_FORMS = re.compile(r"[\w.-]+ *(?:\[[\w ,.-]*\]|@ |[^;]*;)")
NPM_FORMS = re.compile(r"@[^/\s]+/\S|[^@\s]+@[^@\s]")
"""Forms of requirements that only one manager has."""


def manager_of(requirement: str, builder: str, entries: Iterable[StageRequirement]) -> str:
    """Return the manager that a requirement is for.

    It is the only manager with this form of requirements, else the only manager that has a
    requirement for the package in ``entries``, else the one that the builder uses for Python.
    """
    if manager := _manager_of_form(requirement, builder):
        return manager
    listed = {
        entry.manager
        for entry in entries
        if SYNTAXES[entry.manager].name(requirement) == entry.name
    }
    if len(listed) == 1:
        return listed.pop()
    return "conda" if builder == CONDA_BUILDER else "pip"


def _manager_of_form(requirement: str, builder: str) -> str:
    forms = {"conda": CONDA_FORMS, "apk": APK_FORMS, "pip": PIP_FORMS, "npm": NPM_FORMS}
    if builder != APK_BUILDER:
        del forms["apk"]
    return next((manager for manager, form in forms.items() if form.match(requirement)), "")
