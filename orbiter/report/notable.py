"""The few packages by which people choose an image. Pure."""

from collections.abc import Sequence

from orbiter.query.packages import ListedImage, ListedPackage

NOTABLE = (
    "python",
    "python3",
    "r-base",
    "julia",
    "nodejs",
    "jupyterlab",
    "notebook",
    "jupyterhub",
    "numpy",
    "pandas",
    "polars",
    "xarray",
    "geopandas",
    "dask",
    "matplotlib",
    "scikit-learn",
    "pytorch",
    "torch",
    "tensorflow",
)
"""Packages by which people choose an image, the most important first."""
SHOWN = 6
"""Packages that are named; the others are counted."""
MANAGERS = ("conda", "pip", "apt", "apk", "npm")
"""The version of a package that several managers have is that of the first one."""


def notable(image: ListedImage, platform: str) -> list[str]:
    """Return the names and versions of a few packages, and the number of all others."""
    packages = [package for package in image.packages if platform in package.sizes]
    by_name = _first_of_each_name(packages)
    names = [name for name in NOTABLE if name in by_name] or sorted(
        name for name, package in by_name.items() if package.direct
    )
    shown = [_name_and_version(by_name[name]) for name in names[:SHOWN]]
    others = len(packages) - len(shown)
    if others:
        shown.append(f"{others} more")
    return shown


def _name_and_version(package: ListedPackage) -> str:
    """Return a name and version as upstream writes them, without parts of the distribution."""
    name, version = package.name, package.version
    if package.manager in ("apk", "apt"):
        name = "python" if name == "python3" else name
        version = version.rpartition(":")[2].partition("+")[0].partition("-")[0]
    return f"{name} {version}"


def _first_of_each_name(packages: Sequence[ListedPackage]) -> dict[str, ListedPackage]:
    order = {manager: position for position, manager in enumerate(MANAGERS)}
    ordered = sorted(packages, key=lambda package: order[package.manager], reverse=True)
    return {package.name: package for package in ordered}
