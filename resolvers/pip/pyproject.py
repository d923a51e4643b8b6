"""The pyproject.toml beside pip's lock file: the requirements, one dependency group per stage.

It also records what the requirements do not show: packages that may be built from an sdist, the
index of each package that has one of its own, and the distributions that conda provides.
"""

from collections.abc import Iterable, Mapping, Set

from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError
from resolvers.pip.toml_file import Table, read_toml, toml_array, toml_string
from resolvers.types.options import PipOptions
from resolvers.types.packages import LockFiles
from resolvers.types.request import Request

FILE = "pyproject.toml"
PROJECT = "orbiter-image"
"""Name of the project that Poetry and uv lock."""


def python_version(request: Request) -> str:
    """Return the exact Python of all targets; raise ExpectedError for none or several."""
    versions = sorted({target.python for target in request.targets})
    if versions in ([], [""]):
        raise ExpectedError(
            "pip requirements need Python in the image", 'add "python3" to an apt list'
        )
    if len(versions) > 1:
        raise ExpectedError(
            f"the platforms have different Python versions ({', '.join(versions)}), "
            "but pip's lock is for one version",
            "use a base image with the same Python on every platform",
        )
    return versions[0]


# The layout below is our own rather than that of a TOML library: it quotes all names of groups and
# writes platforms as inline tables, and released lock sets contain these bytes.
def render(
    request: Request,
    requires_python: str,
    tool_section: str,
    shared: Set[str] = frozenset(),
    constraints: tuple[str, ...] = (),
) -> str:
    """Return the text of the file.

    ``tool_section`` is the engine's part of it. ``shared`` are the distributions that conda
    provides in some places and pip installs in others (``provided.shared``). ``constraints`` are
    those that the engine's part cannot express.
    """
    with_requirements = (group for group in request.groups if group.requirements)
    groups = sorted(with_requirements, key=lambda group: group.name)
    dependency_groups = []
    for group in groups:
        requirements = sorted(set(group.requirements))
        dependency_groups.append(f"{group.name} = {toml_array(requirements)}")
    sections = [
        f'[project]\nname = "{PROJECT}"\nversion = "0"\n'
        f"requires-python = {toml_string(requires_python)}\n",
        "[dependency-groups]\n" + "".join(dependency_groups),
        tool_section,
        *_orbiter_section(request, shared, constraints),
        *_index_section(request),
        *_conda_sections(request),
    ]
    return "\n".join(sections)


def _orbiter_section(request: Request, shared: Set[str], constraints: tuple[str, ...]) -> list[str]:
    sdists: set[str] = set()
    for group in request.groups:
        sdists.update(map(canonicalize_name, group.sources))
    lists = {"sdist": sdists, "shared": shared, "constraints": constraints}
    lines = [f"{key} = {toml_array(sorted(names))}" for key, names in lists.items() if names]
    if request.pip.priority != PipOptions().priority:
        lines.append(f"index-priority = {toml_string(request.pip.priority)}\n")
    return ["[tool.orbiter]\n" + "".join(lines)] if lines else []


def _index_section(request: Request) -> list[str]:
    """Return the section with the packages whose index images.toml names."""
    lines = [
        f"{package} = {toml_string(name)}\n"
        for package, name in sorted(request.pip.sources.items())
    ]
    return ["[tool.orbiter.index]\n" + "".join(lines)] if lines else []


def used_indexes(request: Request) -> dict[str, str]:
    """Return the addresses of the indexes that packages come from, by name."""
    used = set(request.pip.sources.values())
    return {name: url for name, url in sorted(request.pip.indexes.items()) if name in used}


def _conda_sections(request: Request) -> list[str]:
    """Return a section per group with the versions that conda provides there."""
    groups: dict[str, dict[str, dict[str, str]]] = {}  # group, name, platform to version
    for dist in sorted(request.pip.provided):
        names = groups.setdefault(dist.group, {})
        names.setdefault(dist.name, {})[dist.platform] = dist.version
    platforms = {target.platform for target in request.targets}
    sections = []
    for group, names in groups.items():
        section = f"[tool.orbiter.conda.{toml_string(group)}]\n"
        for name in sorted(names):
            section += f"{name} = {_version(names[name], platforms)}\n"
        sections.append(section)
    return sections


def _version(by_platform: Mapping[str, str], platforms: Set[str]) -> str:
    """Return a string if all platforms have the same version, else an inline table."""
    versions = set(by_platform.values())
    if by_platform.keys() >= platforms and len(versions) == 1:
        return toml_string(versions.pop())
    pairs = (
        f"{toml_string(platform)} = {toml_string(version)}"
        for platform, version in by_platform.items()
    )
    return f"{{ {', '.join(pairs)} }}"


def allowed_sdists(files: LockFiles) -> frozenset[str]:
    """Return the normalised names of the packages that may be built from their sdist."""
    names = _orbiter_table(files).get("sdist", [])
    return frozenset(canonicalize_name(name) for name in names)


def index_names(files: LockFiles) -> Mapping[str, str]:
    """Map the packages whose index images.toml names to the name of that index."""
    names: Mapping[str, str] = _orbiter_table(files).get("index", {})
    return names


def provided(files: LockFiles, platform: str, groups: Iterable[str]) -> frozenset[str]:
    """Return the normalised names that conda provides in any of the groups on the platform."""
    selected = {canonicalize_name(group) for group in groups}
    names: set[str] = set()
    for group, versions in _conda_tables(files).items():
        if canonicalize_name(group) not in selected:
            continue
        for name, version in versions.items():
            if isinstance(version, str) or platform in version:
                names.add(canonicalize_name(name))
    return frozenset(names)


def provided_anywhere(files: LockFiles) -> frozenset[str]:
    """Return the normalised names of the locked distributions that conda provides in some group."""
    names: set[str] = set()
    for versions in _conda_tables(files).values():
        names.update(map(canonicalize_name, versions))
    return frozenset(names)


def _conda_tables(files: LockFiles) -> Mapping[str, Table]:
    """Map groups to names to a version, or to a table of platforms and versions."""
    tables: Mapping[str, Table] = _orbiter_table(files).get("conda", {})
    return tables


def _orbiter_table(files: LockFiles) -> Table:
    table: Table = read_toml(files, FILE).get("tool", {}).get("orbiter", {})
    return table
