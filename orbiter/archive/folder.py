"""Archives in a folder: an OCI image layout.

Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from functools import partial
from pathlib import Path

from orbiter.archive import manifest as archive_manifest
from orbiter.archive.manifest import AddResult, Blob, ReleaseArtifact
from orbiter.fetch.progress import ProgressCounter, ReportProgress, run_parallel
from orbiter.files import locked, scratch_folder
from orbiter.oci.layout import INDEX_FILE, LAYOUT, LAYOUT_FILE, blob_path
from orbiter.oci.registry import sha256
from orbiter.store.download import Open
from orbiter.store.store import hash_file, link_or_copy, wrong_bytes
from resolvers.errors import ExpectedError
from resolvers.net import http

WORK = ".orbiter-new-"


class FolderStorage:
    """An archive in a folder, which ``prepare`` makes where there is none."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root

    def prepare(self, release: str) -> None:
        """Make sure that this release can be put here; raises ExpectedError for a folder of something else."""
        if self._root.is_dir() and not all(
            path.name.startswith(WORK) for path in self._root.iterdir()
        ):
            self._releases()
            archive_manifest.refuse_replacing(self._index(), release, self.name, self._manifest)
        refuse_unwritable(self._root, WORK, self.name)

    def manifest(self, release: str) -> bytes:
        """The manifest of a release, verified."""
        releases = self._releases()
        if release not in releases:
            raise archive_manifest.no_release(self.name, release, releases)
        digest = releases[release]
        content = http.get(self._url(digest)).content
        if sha256(content) != digest:
            raise wrong_bytes(
                f"the manifest of release {release} in {self.name}", digest, sha256(content)
            )
        return content

    def releases(self) -> tuple[str, ...]:
        """The names of the releases here."""
        return tuple(self._releases())

    def blob(self, digest: str) -> Open:
        """The way to the bytes of a file."""
        return lambda headers: http.stream(self._url(digest), headers=headers)

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Put a release here: hard links where they can be, every file with its name only when it is whole."""
        tally = ProgressCounter({piece.digest: piece.size for piece in release.pieces}, report)
        blobs = self._path(sha256(archive_manifest.EMPTY)).parent
        blobs.mkdir(parents=True, exist_ok=True)
        with scratch_folder(self._root, WORK) as work:
            _write(self._root / LAYOUT_FILE, LAYOUT, work)
            done = run_parallel(partial(self._bring, work=work, tally=tally), release.pieces, tally)
            for content in (archive_manifest.EMPTY, release.manifest):
                _write(self._path(sha256(content)), content, work)
            with locked(self._root):
                index = self._index()
                archive_manifest.refuse_replacing(index, release.name, self.name, self._manifest)
                _write(
                    self._root / INDEX_FILE,
                    archive_manifest.with_release(index, release, self.name),
                    work,
                )
        return archive_manifest.add_result(release.pieces, {digest for digest in done if digest})

    def _bring(self, piece: Blob, work: Path, tally: ProgressCounter) -> str:
        """Put one file here; gives its digest, empty when it was there."""
        path = self._path(piece.digest)
        there = path.exists() and hash_file(path, "sha256") == piece.digest
        if not there:
            link_or_copy(piece.file, work / path.name)
            (work / path.name).replace(path)
        tally.finish(piece.digest, piece.size)
        return "" if there else piece.digest

    def _path(self, digest: str) -> Path:
        return self._root / blob_path(digest)

    def _url(self, digest: str) -> str:
        return self._path(digest).absolute().as_uri()

    def _manifest(self, digest: str) -> bytes:
        path = self._path(digest)
        return path.read_bytes() if path.exists() else b""

    def _releases(self) -> dict[str, str]:
        """The digests of the manifests by the names of the releases."""
        if not (self._root / LAYOUT_FILE).is_file():
            reason = "it has no file oci-layout" if self._root.is_dir() else "it is not there"
            raise archive_manifest.not_an_archive(self.name, reason)
        return archive_manifest.named(self._index(), self.name)

    def _index(self) -> bytes:
        path = self._root / INDEX_FILE
        return (
            path.read_bytes() if path.exists() else b""
        )  # a run that was killed has written none yet


def refuse_unwritable(folder: Path, prefix: str, name: str) -> None:
    """Raise ExpectedError where no work can be done in a folder, which is made; ``name`` is that of the archive."""
    try:
        with scratch_folder(folder, prefix):
            pass
    except OSError as error:
        raise ExpectedError(
            f"{name} cannot be written: {error.filename or folder}: {error.strerror}",
            "name a place that can be written",
        ) from error


def _write(path: Path, content: bytes, work: Path) -> None:
    (work / path.name).write_bytes(content)
    (work / path.name).replace(path)
