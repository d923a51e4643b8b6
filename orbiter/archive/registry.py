"""Archives in a repository of an OCI registry: each release is an artifact under a tag."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus

from orbiter.archive.manifest import refuse_other_artifact
from orbiter.archive.storage import (
    AddResult,
    ArchivedFile,
    ReleaseArtifact,
    add_result,
    no_release,
    not_an_archive,
)
from orbiter.fetch.progress import ProgressCounter, ReportProgress, run_parallel
from orbiter.oci.artifact import EMPTY
from orbiter.oci.reference import is_reference, parse_reference
from orbiter.oci.registry import OCI_MANIFEST, Credentials, repositories, sha256
from orbiter.oci.upload import has_blob, list_tags, put_blob, put_manifest
from orbiter.store.download import OpenSource, read_chunks
from resolvers.errors import ExpectedError
from resolvers.net import http

SCHEME = "oci://"
FORM = f"{SCHEME}registry/repository[:tag]"
DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class RegistryStorage:
    """An archive at ``oci://registry/repository[:tag]``; by default the tag is the release."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        reference = address.removeprefix(SCHEME)
        if "/" not in reference or "@" in reference or not is_reference(reference):
            raise ExpectedError(
                f"{address} is not the address of an archive",
                f"use the form {FORM}, with the repository in lower case",
            )
        parsed = parse_reference(reference)
        self.name = address
        self._tag = parsed.tag if reference.endswith(f":{parsed.tag}") else ""
        (self._repository,) = repositories(reference, credentials=credentials)

    def prepare(self, release: str) -> None:
        """Raise ExpectedError if uploads are denied, or if the tag names something else."""
        tag = self._tag or release
        with self._registry_errors():
            # Every release needs this blob: uploading it shows whether uploads are allowed.
            put_blob(self._repository, sha256(EMPTY), len(EMPTY), lambda: EMPTY)
            try:
                manifest = self._repository.manifest(tag)
            except http.HTTPError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
            else:
                refuse_other_artifact(manifest, tag, self.name)

    def read_manifest(self, release: str) -> bytes:
        """Return the manifest of a release, verified if the registry reports its digest."""
        tag = self._tag or release
        with self._registry_errors():
            try:
                return self._repository.manifest(tag)
            except http.HTTPError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                raise no_release(self.name, tag, list_tags(self._repository)) from error

    def list_releases(self) -> tuple[str, ...]:
        """Return all tags, or only the tag of the address."""
        if self._tag:
            self.read_manifest(self._tag)
            return (self._tag,)
        with self._registry_errors():
            tags = list_tags(self._repository)
        if not tags:
            raise not_an_archive(self.name, "the registry has no tags for it")
        return tags

    def open_blob(self, digest: str) -> OpenSource:
        """Return a function that opens a blob."""
        return partial(self._repository.blob, digest)

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Upload the missing files of a release, and finally the manifest that names them."""
        counter = ProgressCounter({file.digest: file.size for file in release.files}, report)
        with self._registry_errors():
            upload = partial(self._upload, counter=counter)
            added = run_parallel(upload, release.files)
            tag = self._tag or release.name
            put_manifest(self._repository, tag, release.manifest, OCI_MANIFEST)
        return add_result(release.files, {digest for digest in added if digest})

    def _upload(self, file: ArchivedFile, counter: ProgressCounter) -> str:
        """Upload one file; return its digest, or an empty string if it was already present."""
        is_present = has_blob(self._repository, file.digest)
        if not is_present:
            put_blob(self._repository, file.digest, file.size, lambda: _body(file, counter))
        counter.finish(file.digest, file.size)
        return "" if is_present else file.digest

    @contextmanager
    def _registry_errors(self) -> Iterator[None]:
        """Add the name of the archive to the errors of the registry."""
        try:
            yield
        except http.HTTPError as error:
            hint = error.hint
            if error.status in DENIED:
                hint = f"run 'docker login {self._repository.registry}' as a user with access"
            raise ExpectedError(f"{self.name}: {error.message}", hint) from error


def _body(file: ArchivedFile, counter: ProgressCounter) -> Iterator[bytes]:
    sent = 0
    for chunk in read_chunks(file.path):
        counter.update(file.digest, sent, file.size)
        yield chunk
        sent += len(chunk)
