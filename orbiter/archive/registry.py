"""Archives in a repository of an OCI registry: a release is an artifact, named by a tag."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus

from orbiter.archive import manifest as archive_manifest
from orbiter.archive.manifest import AddResult, Blob, ReleaseArtifact
from orbiter.fetch.progress import ProgressCounter, ReportProgress, run_parallel
from orbiter.oci.reference import REFERENCE, parse_reference
from orbiter.oci.registry import OCI_MANIFEST, Credentials, repositories, sha256
from orbiter.oci.upload import has_blob, list_tags, put_blob, put_manifest
from orbiter.store.download import Open, chunks
from resolvers.errors import ExpectedError
from resolvers.net import http

SCHEME = "oci://"
FORM = f"{SCHEME}registry/repository[:tag]"
DENIED = frozenset({401, 403})


class RegistryStorage:
    """An archive at ``oci://registry/repository[:tag]``; the tag is the release where none is written."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        reference = address.removeprefix(SCHEME)
        if "/" not in reference or "@" in reference or not REFERENCE.fullmatch(reference):
            raise ExpectedError(
                f"{address} names no archive", f"write it like {FORM}, the repository in lower case"
            )
        parsed = parse_reference(reference)
        self.name = address
        self._tag = parsed.tag if reference.endswith(f":{parsed.tag}") else ""
        (self._repository,) = repositories(reference, credentials=credentials)

    def prepare(self, release: str) -> None:
        """Make sure that we may put releases here; raises ExpectedError for a tag of something else."""
        tag = self._tag or release
        with self._told():
            put_blob(
                self._repository,
                sha256(archive_manifest.EMPTY),
                len(archive_manifest.EMPTY),
                lambda: archive_manifest.EMPTY,
            )
            try:
                there = self._repository.manifest(tag)
            except http.HTTPError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
            else:
                archive_manifest.refuse_other(there, tag, self.name)

    def manifest(self, release: str) -> bytes:
        """The manifest of a release, verified where the registry says its digest."""
        with self._told():
            try:
                return self._repository.manifest(self._tag or release)
            except http.HTTPError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                tags = list_tags(self._repository)
                raise archive_manifest.no_release(self.name, self._tag or release, tags) from error

    def releases(self) -> tuple[str, ...]:
        """The tags here: the one that the address names, or all."""
        if self._tag:
            self.manifest(self._tag)
            return (self._tag,)
        with self._told():
            found = list_tags(self._repository)
        if not found:
            raise archive_manifest.not_an_archive(self.name, "the registry has no tag there")
        return found

    def blob(self, digest: str) -> Open:
        """The way to the bytes of a file."""
        return partial(self._repository.blob, digest)

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Put a release here: first the files that are missing, at last the manifest that names them."""
        tally = ProgressCounter({piece.digest: piece.size for piece in release.pieces}, report)
        with self._told():
            sent = run_parallel(lambda piece: self._bring(piece, tally), release.pieces, tally)
            tag = self._tag or release.name
            put_manifest(self._repository, tag, release.manifest, OCI_MANIFEST)
        return archive_manifest.add_result(release.pieces, {digest for digest in sent if digest})

    def _bring(self, piece: Blob, tally: ProgressCounter) -> str:
        """Put one file here; gives its digest, empty when it was there."""
        there = has_blob(self._repository, piece.digest)
        if not there:
            put_blob(self._repository, piece.digest, piece.size, lambda: _body(piece, tally))
        tally.finish(piece.digest, piece.size)
        return "" if there else piece.digest

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the registry say which archive they are about."""
        try:
            yield
        except http.HTTPError as error:
            hint = (
                f"run 'docker login {self._repository.registry}' first, as a user who may"
                if error.status in DENIED
                else error.hint
            )
            raise ExpectedError(f"{self.name}: {error.message}", hint) from error


def _body(piece: Blob, tally: ProgressCounter) -> Iterator[bytes]:
    done = 0
    for chunk in chunks(piece.file):
        tally.update(piece.digest, done, piece.size)
        yield chunk
        done += len(chunk)
