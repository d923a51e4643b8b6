"""Checks of container registries: base images, and the repository of the images."""

from collections.abc import Iterator, Mapping
from functools import partial

from orbiter.config.image_set import ImageSet
from orbiter.docker import client, local_images
from orbiter.doctor.check import Asks, Check
from orbiter.doctor.faults import diagnose, reason_of
from orbiter.doctor.machine import NO_ENGINE
from orbiter.doctor.result import Fault, Outcome, failed, ok, skipped, warning
from orbiter.doctor.subject import base_images
from orbiter.oci.mirrors import sources
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import Repository, repositories
from orbiter.oci.upload import tag_digest
from resolvers.errors import ExpectedError
from resolvers.net import http, profile
from resolvers.redaction import redact

_ENGINE_PROXY = (
    "the Docker engine does not use the proxy of this machine: set 'proxies' in its daemon.json, "
    "or 'registry-mirrors' there, and restart it"
)
ENGINE_HINTS: Mapping[Fault, str] = {
    "name": _ENGINE_PROXY,
    "refused": _ENGINE_PROXY,
    "time-out": _ENGINE_PROXY,
    "certificate": "put the CA certificate into /etc/docker/certs.d/HOST/ca.crt on the machine of "
    "the Docker engine",
    "credentials": "run docker login for the registry",
    "missing": "correct the name and the tag",
}
MIRROR_HINT = (
    "correct 'registries' in config.toml or 'registry-mirrors' in Docker's daemon.json, or start "
    "the mirror"
)


def registry_checks(image_set: ImageSet) -> Iterator[Check]:
    """Yield the checks of the registries of base images, and of the one that images go to."""
    for reference in base_images(image_set):
        yield Check("base image", partial(_check_base, reference))
        yield Check("Docker's pulls", partial(_check_pull, reference))
    yield Check("push", partial(_check_push, image_set))


def _check_base(reference: str, asks: Asks) -> Outcome:
    """Read the manifest of a base image as locking does: from mirrors, then its own registry."""
    parsed = parse_reference(reference)
    tag = parsed.digest or parsed.tag
    candidates = sources(reference, mirrors=client.mirrors(), credentials=client.credentials)
    own_mirror = profile.setting(f"registries.{parsed.registry}")
    problems: list[str] = []
    for repository in candidates:
        is_mirror = repository is not candidates[-1]
        origin = "Docker's registry mirrors" if is_mirror else f"'{reference}' in images.toml"
        if own_mirror and repository is candidates[0]:
            origin = own_mirror.origin
        asks(f"{repository.url}/v2/{repository.name}/manifests/{tag}", origin)
        try:
            repository.manifest(tag)
        except http.HTTPError as error:
            if not is_mirror:
                raise _with_login(error, repository) from error
            problems.append(f"{redact(repository.url)}: {reason_of(error.message)}")
        else:
            break
    if problems:
        text = f"it has {reference}, but a mirror does not answer: {'; '.join(problems)}"
        return warning(text, MIRROR_HINT)
    return ok(f"it has {reference}")


def _check_pull(reference: str, _asks: Asks) -> Outcome:
    """Let the engine ask for a base image, with its own proxies, certificates and mirrors."""
    if client.unavailable_reason():
        return skipped(NO_ENGINE)
    if profile.is_used():
        return skipped("with config.toml, Orbiter loads base images into the Docker engine itself")
    try:
        local_images.check_pull(reference)
    except ExpectedError as error:
        found = diagnose(error)
        return failed(found.detail, ENGINE_HINTS.get(found.fault, found.hint), found.fault)
    return ok(f"the Docker engine can pull {reference}")


def _check_push(image_set: ImageSet, asks: Asks) -> Outcome:
    """Read the tag of the next release as pushing does, which never moves a tag."""
    names = [stage.name for stage in image_set.stages if stage.kind == "final"]
    tag = f"{names[0]}-{image_set.version}"
    # Mirrors come first, but a push goes to the registry itself.
    repository = repositories(image_set.repository, credentials=client.credentials)[-1]
    address = f"{repository.url}/v2/{repository.name}/manifests/{tag}"
    asks(address, "'repository' in images.toml")
    try:
        digest = tag_digest(repository, tag)
    except http.HTTPError as error:
        raise _with_login(error, repository) from error
    state = f"it has {tag}" if digest else f"it does not have {tag} yet"
    if client.credentials(repository.registry):
        return ok(f"{state}; there is a login for {repository.registry}")
    hint = f"run docker login {repository.registry}, unless everyone may push there"
    return warning(f"{state}, and there is no login for {repository.registry}", hint)


def _with_login(error: http.HTTPError, repository: Repository) -> ExpectedError:
    """Return the error with the remedy for the registry's own credentials."""
    hint = "correct the name and the tag"
    if error.status in http.UNAUTHORISED:
        hint = f"run docker login {repository.registry}, or correct the name of the image"
    return http.HTTPError(error.message, hint, status=error.status, headers=error.headers)
