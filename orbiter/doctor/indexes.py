"""Checks of package indexes: pip, npm and conda, with the requests that locking makes."""

import shutil
from collections.abc import Iterator, Mapping
from functools import partial

from packaging.utils import canonicalize_name

from orbiter.config.image_set import ImageSet
from orbiter.doctor.check import Asks, Check
from orbiter.doctor.faults import REMEDIES
from orbiter.doctor.result import Outcome, failed, ok, skipped, warning
from orbiter.doctor.subject import (
    ANY_NPM,
    ANY_PIP,
    CondaIndex,
    conda_indexes,
    npm_packages,
    pip_projects,
)
from resolvers.conda import probe
from resolvers.errors import ExpectedError
from resolvers.index import index, routes
from resolvers.index.index import Index
from resolvers.index.index_file import project_of
from resolvers.index.page import read_page
from resolvers.net import http, loopback, pip_config, profile
from resolvers.npm import program
from resolvers.npm.config import NpmConfig
from resolvers.redaction import redact

IMAGES = "images.toml"
ELSEWHERE = "this is right if the project is on another index; otherwise correct the address"


def pip_checks(image_set: ImageSet | None) -> Iterator[Check]:
    """Yield the checks of the indexes in pip's configuration, and of those in images.toml."""
    projects = pip_projects(image_set) if image_set else {"": ANY_PIP}
    configured = index.configured()
    if not configured.urls and not configured.find_links:
        yield Check("pip index", lambda _asks: skipped("pip's configuration sets no-index"))
    option = "index-url"
    for url in configured.urls:
        has_others = len(configured.urls) > 1
        run = partial(_check_pip, url, projects[""], option, has_others=has_others)
        yield Check("pip index", run)
        option = "extra-index-url"
    for location in configured.find_links:
        yield Check("pip find-links", partial(_check_links, location, projects[""]))
    addresses = (image_set.indexes or {}) if image_set else {}
    for name in sorted(addresses.keys() & projects.keys()):
        yield Check("pip index", partial(_check_named, name, addresses, projects[name]))


def _check_pip(url: str, project: str, option: str, asks: Asks, *, has_others: bool) -> Outcome:
    """Check an index in pip's configuration; with ``has_others``, it may lack the project."""
    try:
        return _read_index(url, project, pip_config.origin(option), asks)
    except http.HTTPError as error:
        if not has_others or error.status not in index.NOT_FOUND:
            raise
        text = f"it does not have {project}"
        return warning(text, ELSEWHERE) if option == "index-url" else ok(text)


def _check_named(name: str, addresses: Mapping[str, str], project: str, asks: Asks) -> Outcome:
    (url,) = routes.named(name, addresses).urls
    return _read_index(url, project, f"[index.{name}] in {IMAGES}", asks)


def _read_index(url: str, project: str, origin: str, asks: Asks) -> Outcome:
    """Request the page of a project as the resolvers do."""
    name = canonicalize_name(project)
    address = index.page_address(url, name)
    asks(address, origin)
    count = sum(project_of(file.name) == name for file in read_page(address))
    if not count:
        # The login page of a proxy is a page with links, too.
        return failed(f"the page lists no file of {name}", REMEDIES["not an index"], "not an index")
    return ok(f"files of {name}: {count}")


def _check_links(location: str, project: str, asks: Asks) -> Outcome:
    """Read the files of a project in a folder or on a page."""
    origin = pip_config.origin("find-links")
    asks(location, origin)
    count = len(Index((), (location,), origin=origin).files(project))
    return ok(f"files of {project}: {count}")


def npm_checks(image_set: ImageSet | None) -> Iterator[Check]:
    """Yield the checks of the registries from which the images have packages."""
    if image_set is None and shutil.which("npm") is None:
        yield Check("npm registry", lambda _asks: skipped("npm is not on PATH"))
        return
    packages = npm_packages(image_set) if image_set else {"": ANY_NPM}
    registries = (image_set.npm_registries or {}) if image_set else {}
    for package in packages.values():
        yield Check("npm registry", partial(_check_npm, package, registries))


def _check_npm(package: str, registries: Mapping[str, str], asks: Asks) -> Outcome:
    """Request the first bytes about a package, with the registries and tokens of npm."""
    asks("", "npm's configuration")  # npm may have to be installed first
    config = program.config().with_registries(registries)
    url = config.packument(package)
    # A login ends at the last "@" of the address, so that of a scope must not look like one.
    asks(url.replace("/@", "/%40"), _npm_origin(package, config, registries))
    if not config.is_simple:
        options = [f"--{scope}:registry={address}" for scope, address in registries.items()]
        program.run(["view", package, "dist-tags", "--json", "--loglevel=error", *options])
        return ok(f"npm itself found {package}")
    headers = {"accept": loopback.JSON, **config.headers(url)}
    with http.stream(url, headers=headers) as response:
        start = next(response.chunks, b"")
    if not start.lstrip().startswith(b"{"):
        raise _not_json(url)
    return ok(f"it has {package}")


def _npm_origin(package: str, config: NpmConfig, registries: Mapping[str, str]) -> str:
    scope = package.partition("/")[0] if package.startswith("@") else ""
    if scope in registries:
        return f'[npm-registry."{scope}"] in {IMAGES}'
    return config.origins.get(scope) or config.origins.get("", "")


def _not_json(url: str) -> ExpectedError:
    """Return the error for a registry that answers with something else, such as a login page."""
    return http.HTTPError(f"'{redact(url)}' is not a valid registry response: no JSON")


def conda_checks(image_set: ImageSet) -> Iterator[Check]:
    """Yield the checks of the indexes of all channels, by platform."""
    for each in conda_indexes(image_set):
        yield Check("conda channel", partial(_check_conda, each))


def _check_conda(found: CondaIndex, asks: Asks) -> Outcome:
    origin = f"'channels' in {IMAGES}"
    if (mirror := profile.setting("mirrors.conda")) and "://" not in found.channel.url:
        origin += f", read from {redact(mirror.value)} ({mirror.origin})"
    asks(probe.index_address(found.channel, found.subdir), origin)
    probe.check_index(found.channel, found.subdir)
    return ok("it answers with an index")
