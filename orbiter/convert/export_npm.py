"""Export the npm packages of an image as package.json and package-lock.json."""

import json
from typing import Any

from orbiter.convert.export_pip import ImagePlan
from resolvers.errors import ExpectedError
from resolvers.npm.address import source_of

PACKAGE, LOCK = "package.json", "package-lock.json"


def package(image: ImagePlan) -> str:
    """Return the package.json with the requirements and overrides of an image."""
    return _file(image, PACKAGE)


def package_lock(image: ImagePlan) -> str:
    """Return the package-lock.json with the locked versions and hashes of an image.

    npm takes the files from its registry, and verifies their hashes. Only packages that an image
    requires with an address have one here, too.
    """
    data: dict[str, Any] = json.loads(_file(image, LOCK))
    for entry in data["packages"].values():
        if not entry.get("link") and not source_of(entry.get("resolved", "")):
            entry.pop("resolved", None)
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _file(image: ImagePlan, name: str) -> str:
    """Return a file of the last stage that has one: it includes the packages of its parents."""
    found = [each.files[name] for each in image.stages("npm") if name in each.files]
    if not found:
        stage = image.stage.stage.name
        problem = f"{stage} of release {image.plan.release} has no npm packages"
        raise ExpectedError(problem, "name an image with npm packages")
    return found[-1]
