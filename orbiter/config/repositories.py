"""The package repositories of images.toml for apt and apk, besides those of the base images."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from orbiter.config.addresses import is_plain_address
from orbiter.config.image_set import Builder, ImageSet, PackageRepository, RepositoryFile
from orbiter.config.key_files import openpgp_key, rsa_key
from orbiter.config.mistakes import Mistakes, key_path, suggest
from orbiter.config.repository_keys import AptRepositoryTable
from orbiter.config.schema import ConfigFile
from orbiter.config.sets import ExpandedEntry

EXPECTED = "an http or https address without credentials"
_DEFAULT_COMPONENTS = ("main",)


def apt_repositories(
    file: ConfigFile, root: Path, mistakes: Mistakes
) -> dict[str, PackageRepository]:
    """Return the apt repositories by name; add their mistakes.

    ``root`` is the folder of the file, to which key files are relative.
    """
    repositories = {}
    for name, table in sorted(file.apt_repository.items()):
        path = key_path("apt-repository", name)
        _check_address(table.url, f"{path}.url", mistakes)
        for mistake in _mistakes_in(table):
            mistakes.add(f"{path}.{mistake.key}", mistake.problem, hint=mistake.hint)
        repositories[name] = PackageRepository(
            url=table.url.rstrip("/"),
            suite=table.suite,
            components=_components(table),
            key=_key(table, path, root, mistakes),
            fingerprint=table.fingerprint.replace(" ", "").upper(),
        )
    _check_names(file, mistakes)
    return repositories


def apk_repositories(
    file: ConfigFile, root: Path, mistakes: Mistakes
) -> dict[str, PackageRepository]:
    """Return the apk repositories by name; add their mistakes. ``root`` is as above."""
    repositories: dict[str, PackageRepository] = {}
    tags: dict[str, str] = {}
    for name, table in sorted(file.apk_repository.items()):
        path = key_path("apk-repository", name)
        _check_address(table.url, f"{path}.url", mistakes)
        tag = table.tag or name
        if tags.setdefault(tag, name) != name:
            problem = f"'{tag}' is also the tag of [apk-repository.{tags[tag]}]"
            mistakes.add(f"{path}.tag", problem, hint="choose another tag")
        repositories[name] = PackageRepository(
            url=table.url.rstrip("/"),
            tag=tag,
            key=rsa_key(table.key_file, f"{path}.key-file", root, mistakes),
            key_name=PurePosixPath(table.key_file).name,
        )
    return repositories


def check_tags(entries: Mapping[str, ExpandedEntry], file: ConfigFile, mistakes: Mistakes) -> None:
    """Add a mistake for each requirement of apk whose tag no repository has."""
    if not any("@" in entry.text for entry in entries.values()):
        return
    from resolvers.apk.requirement import tag_of  # only images with apk need it

    tags = {table.tag or name for name, table in file.apk_repository.items()}
    for entry in entries.values():
        tag = tag_of(entry.text)
        if tag and tag not in tags:
            hint = suggest(tag, tags, f"declare [apk-repository.{tag}] with its url and key-file")
            mistakes.add(entry.path, f"unknown tag '{tag}'", hint=hint)


class _Mistake(NamedTuple):
    """A mistake in a table: its key, the problem and the remedy."""

    key: str
    problem: str
    hint: str


def _mistakes_in(table: AptRepositoryTable) -> Iterator[_Mistake]:
    has_key = bool(table.key_file or table.fingerprint)
    if table.url and not has_key:
        hint = 'write key-file = "keys/name.asc", or the fingerprint of a key of the base image'
        yield _Mistake("url", "needs the key that signs the repository", hint)
    if has_key and not table.url:
        hint = "add url; without it, the suite is on the mirrors of the base, and signed by its key"
        yield _Mistake("key-file" if table.key_file else "fingerprint", "needs a url", hint)
    if table.key_file and table.fingerprint:
        hint = "remove it, because key-file contains the only key that is trusted"
        yield _Mistake("fingerprint", "contradicts key-file", hint)
    if table.components and _is_flat(table.suite):
        hint = "remove it, or remove the / at the end of suite"
        yield _Mistake("components", f"is not possible in the folder '{table.suite}'", hint)


def _is_flat(suite: str) -> bool:
    """Return whether the index is in a folder, without suites and components."""
    return suite.endswith("/")


def _components(table: AptRepositoryTable) -> tuple[str, ...]:
    default = () if _is_flat(table.suite) else _DEFAULT_COMPONENTS
    return table.components or default


def _key(
    table: AptRepositoryTable, path: str, root: Path, mistakes: Mistakes
) -> RepositoryFile | None:
    if not table.key_file:
        return None
    return openpgp_key(table.key_file, f"{path}.key-file", root, mistakes)


# The messages never repeat the address, because it may contain a password.
def _check_address(url: str, path: str, mistakes: Mistakes) -> None:
    if not url:
        return
    if "@" in url or "$" in url:
        problem = "contains credentials"
        hint = "remove them: images.toml is in git, and repositories with passwords are unsupported"
        mistakes.add(path, problem, expected=EXPECTED, hint=hint)
    elif not is_plain_address(url):
        hint = 'for example "https://packages.example.org/debian"'
        mistakes.add(path, "is not the address of a repository", expected=EXPECTED, hint=hint)


def _check_names(file: ConfigFile, mistakes: Mistakes) -> None:
    """Add a mistake for each repository that a builder names, but the file does not declare."""
    for builder, table in file.builder.items():
        path = f"{key_path('builder', builder)}.apt-repositories"
        for index, name in enumerate(table.apt_repositories):
            if name not in file.apt_repository:
                hint = suggest(name, file.apt_repository, f"declare [apt-repository.{name}]")
                mistakes.add(f"{path}[{index}]", f"unknown repository '{name}'", hint=hint)


def used_repositories(
    image_set: ImageSet, builder: Builder, manager: str
) -> dict[str, PackageRepository]:
    """Return the repositories of images.toml that a builder's packages may come from, by name."""
    if manager == "apk":
        declared, tags = image_set.apk_repositories or {}, _used_tags(image_set, builder)
        return {name: each for name, each in declared.items() if each.tag in tags}
    if manager != "apt":
        return {}
    declared = image_set.apt_repositories or {}
    return {name: declared[name] for name in builder.apt_repositories or () if name in declared}


def _used_tags(image_set: ImageSet, builder: Builder) -> set[str]:
    """Return the tags in the requirements of a builder's stages."""
    stages = (stage for stage in image_set.stages if stage.builder == builder.name)
    requirements = [text for stage in stages for text in stage.requirements.get("apk", ())]
    if not any("@" in text for text in requirements):
        return set()
    from resolvers.apk.requirement import tag_of  # only images with apk need it

    return set(map(tag_of, requirements)) - {""}


def repository_addresses(image_set: ImageSet) -> dict[str, dict[str, str]]:
    """Return the addresses of the repositories in images.toml, by manager and name."""
    return {
        "apk": _addresses(image_set.apk_repositories or {}),
        "apt": _addresses(image_set.apt_repositories or {}),
    }


def _addresses(repositories: Mapping[str, PackageRepository]) -> dict[str, str]:
    return {name: each.url for name, each in repositories.items() if each.url}


def key_files(image_set: ImageSet) -> Iterable[RepositoryFile]:
    """Yield the keys of all repositories."""
    for declared in (image_set.apk_repositories or {}, image_set.apt_repositories or {}):
        for repository in declared.values():
            if repository.key:
                yield repository.key
