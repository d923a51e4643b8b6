"""The error for requirements that cannot be met, the same for both engines."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from resolvers.errors import UnsolvableError
from resolvers.pip import provided
from resolvers.pip.pyproject import PROJECT
from resolvers.types import Request

NOT_IN_NAME = re.compile(r"[^\w.-]+")


def unsolvable(request: Request, explanation: str) -> UnsolvableError:
    """Return the error for an engine's explanation.

    It lists the groups, upgrades and conda packages behind the names in the explanation.
    """
    # Users do not know the project that Orbiter writes for the engine.
    text = explanation.replace(f"{PROJECT}:", "").replace(PROJECT, "the image")
    names = {canonicalize_name(word.strip(".")) for word in NOT_IN_NAME.split(text)}
    requirements = []
    for group in request.groups:
        for requirement in sorted(set(group.requirements)):
            if canonicalize_name(Requirement(requirement).name) in names:
                requirements.append(f"  '{requirement}' is required by '{group.name}'")
    upgrades = []
    for name, version in request.upgrade.packages.items():
        if version:
            upgrades.append(f"  '{name}=={version}' is requested as an upgrade")
    from_conda = provided.describe(request, names)
    hint = "loosen or drop one of these requirements"
    if from_conda:
        hint += ", or request another version from conda"
    title = "the pip requirements cannot be met together:"
    lines = [title, text, *requirements, *upgrades, *from_conda]
    return UnsolvableError("\n".join(lines), hint)
