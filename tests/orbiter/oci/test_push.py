import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from orbiter import threads
from orbiter.oci import chunks
from orbiter.oci import push as push_module
from orbiter.oci.push import BlobFile, ImageManifest, mount_sources, push_image
from orbiter.oci.registry import Repository, sha256
from orbiter.oci.upload import mount_blob
from orbiter.tasks import TaskState
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.image_blobs import index_of, write_image
from tests.support.loopback import Answer, Request
from tests.support.oci_images import layer
from tests.support.push_registry import PushRegistry, problem
from tests.support.push_registry import registry as push_registry

NAME, TAG = "team/image", "debian-core-0.1.0"
LOGIN = ("ann", "pw")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PAUSES", (0.0,) * 3)
    monkeypatch.setattr(http, "UNRESPONSIVE_PERIOD", 0.0)


@pytest.fixture
def registry() -> Iterator[PushRegistry]:
    with push_registry() as found:
        yield found


@pytest.fixture
def images(tmp_path: Path) -> tuple[ImageManifest, ...]:
    """Two platforms that share a layer."""
    shared = layer(("shared", b"in both"))
    return tuple(
        write_image(tmp_path, [shared, layer(("own", name.encode()))], name)
        for name in ("amd64", "arm64")
    )


class Reports(list[str | TaskState]):
    """Keeps what a push reports."""

    def details(self) -> list[str]:
        return [line.detail for line in self if isinstance(line, TaskState)]


def push(
    registry: PushRegistry,
    images: Sequence[ImageManifest],
    *,
    name: str = NAME,
    mounts: Sequence[str] = (),
    reports: Reports | None = None,
) -> str:
    place = Repository(registry.server.url, name, registry.server.host, lambda _registry: LOGIN)
    index = index_of(images) if len(images) > 1 else None
    report = (Reports() if reports is None else reports).append
    return push_image(place, TAG, images, index, report=report, mounts=mounts)


def contents(images: Sequence[ImageManifest], name: str = NAME) -> dict[tuple[str, str], bytes]:
    blobs = [blob for image in images for blob in image.blobs]
    return {(name, blob.digest): blob.path.read_bytes() for blob in blobs}


def test_an_index_follows_its_manifests_and_these_their_blobs(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    index = index_of(images)
    assert push(registry, images) == sha256(index)
    assert registry.blobs == contents(images)
    assert registry.manifests[NAME, TAG] == index
    puts = [request.path.rpartition("/")[2] for request in registry.sent("PUT")]
    assert puts[-3:] == [images[0].digest, images[1].digest, TAG]
    uploads = [request for request in registry.sent("PUT") if "/uploads/" in request.path]
    assert len(uploads) == 5, "the shared layer was uploaded once"


def test_an_image_for_one_platform_needs_no_index(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    assert push(registry, images[:1]) == images[0].digest
    assert registry.manifests[NAME, TAG] == images[0].content
    assert registry.blobs == contents(images[:1])


@pytest.mark.parametrize("platforms", [1, 2])
def test_a_second_push_only_reads(
    registry: PushRegistry, images: tuple[ImageManifest, ...], platforms: int
) -> None:
    digest = push(registry, images[:platforms])
    registry.server.requests.clear()
    reports = Reports()
    assert push(registry, images[:platforms], reports=reports) == digest
    assert {request.method for request in registry.server.requests} == {"HEAD", "GET"}
    blobs = len(contents(images[:platforms]))
    assert reports.details()[-1].endswith(f"{blobs} of {blobs} blobs, {blobs} already there")


def test_only_missing_blobs_are_sent(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    push(registry, images[:1])
    registry.server.requests.clear()
    reports = Reports()
    push(registry, images, reports=reports)
    assert len(registry.sent("POST")) == 2
    assert reports.details()[-1].endswith("5 of 5 blobs, 2 uploaded, 3 already there")


def test_a_known_repository_provides_its_blobs(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    push(registry, images[:1], name="team/base")
    registry.server.requests.clear()
    reports = Reports()
    push(registry, images, mounts=["empty", "team/base", NAME], reports=reports)
    assert contents(images).items() <= registry.blobs.items()
    mounts = [request.path for request in registry.sent("POST") if "mount=" in request.path]
    assert sorted(mounts) == sorted(
        f"/v2/{NAME}/blobs/uploads/?mount={blob.digest.replace(':', '%3A')}&from=team%2Fbase"
        for blob in images[0].blobs
    )
    assert len(registry.sent("POST")) == 5
    end = "5 of 5 blobs, 2 uploaded, 3 taken from another repository"
    assert reports.details()[-1].endswith(end)


@pytest.mark.parametrize("size", [1 << 25, 10])
def test_a_refused_mount_continues_as_an_upload(
    registry: PushRegistry,
    images: tuple[ImageManifest, ...],
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SIZE", size)
    monkeypatch.setattr(push_module, "CHUNK_SIZE", size)
    push(registry, images, name="team/base")
    registry.mounts = False
    registry.server.requests.clear()
    push(registry, images, mounts=["team/base"])
    assert contents(images).items() <= registry.blobs.items()
    assert len(registry.sent("POST")) == 5, "the upload that the registry started was used"


@pytest.mark.parametrize("method", ["HEAD", "POST"])
@pytest.mark.parametrize("status", [401, 403, 404, 405, 500])
def test_a_failed_mount_does_not_fail_the_push(
    registry: PushRegistry, images: tuple[ImageManifest, ...], method: str, status: int
) -> None:
    push(registry, images, name="team/base")

    def answer(request: Request) -> Answer | None:
        is_mount = "from=" in request.path or "/team/base/" in request.path
        return Answer(status) if is_mount and request.method == method else None

    registry.fault = answer
    push(registry, images, mounts=["team/base"])
    assert contents(images).items() <= registry.blobs.items()


def test_a_mount_requests_a_token_for_both_repositories(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    registry.tokens = True
    push(registry, images[:1], name="team/base")
    registry.server.requests.clear()
    push(registry, images[:1], mounts=["team/base"])
    tokens = [each.path for each in registry.server.requests if each.path.startswith("/token")]
    scopes = [
        path.partition("service=s&")[2].replace("%3A", ":").replace("%2F", "/").replace("%2C", ",")
        for path in tokens
    ]
    both = f"scope=repository:{NAME}:pull,push&scope=repository:team/base:pull"
    assert both in scopes
    mounts = [request for request in registry.sent("POST") if "mount=" in request.path]
    assert len(mounts) == 3, "the first request for a mount already had the token"
    assert registry.blobs.items() >= contents(images[:1]).items()


def test_a_registry_that_names_the_scopes_of_a_mount_in_its_challenge(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    registry.tokens = True
    push(registry, images[:1], name="team/base")
    place = Repository(registry.server.url, NAME, registry.server.host, lambda _registry: LOGIN)
    digest = images[0].blobs[1].digest
    assert mount_blob(place, digest, "team/base").is_mounted
    assert (NAME, digest) in registry.blobs


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_blobs_that_the_registry_only_claims_to_have_are_sent(
    registry: PushRegistry, images: tuple[ImageManifest, ...], named: bool
) -> None:
    missing = [images[0].blobs[1].digest, images[1].blobs[2].digest]
    registry.claimed = {*missing}

    def answer(request: Request) -> Answer | None:
        known = {digest for _, digest in registry.blobs}
        is_manifest = request.method == "PUT" and "/manifests/" in request.path
        if named or not is_manifest or known >= {*missing}:
            return None
        return problem(404, "MANIFEST_BLOB_UNKNOWN")

    registry.fault = answer
    assert push(registry, images) == sha256(index_of(images))
    assert registry.blobs == contents(images)
    uploads = [request for request in registry.sent("PUT") if "/uploads/" in request.path]
    assert len(uploads) == (5 if named else 3 + 5)


def test_a_manifest_that_the_registry_only_claims_to_have_is_sent(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    head = f"/v2/{NAME}/manifests/{images[1].digest}"
    registry.fault = lambda request: (
        Answer(200) if (request.method, request.path) == ("HEAD", head) else None
    )
    assert push(registry, images) == sha256(index_of(images))
    assert registry.manifests[NAME, images[1].digest] == images[1].content


def test_a_registry_that_never_knows_a_blob_is_an_error(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    digest = images[0].blobs[0].digest

    def answer(request: Request) -> Answer | None:
        is_manifest = request.method == "PUT" and "/manifests/" in request.path
        return problem(400, "MANIFEST_BLOB_UNKNOWN", digest) if is_manifest else None

    registry.fault = answer
    with pytest.raises(ExpectedError, match="MANIFEST_BLOB_UNKNOWN"):
        push(registry, images)
    assert (NAME, TAG) not in registry.manifests


def test_a_registry_may_deny_reading_a_repository_that_a_push_creates(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    registry.fault = lambda request: (
        Answer(403) if request.method == "HEAD" and not registry.blobs else None
    )
    push(registry, images)
    assert registry.blobs == contents(images)


@pytest.mark.parametrize(
    ("method", "part"), [("PUT", "/uploads/"), ("PUT", "/manifests/"), ("POST", "/uploads/")]
)
def test_every_kind_of_request_survives_a_broken_connection(
    registry: PushRegistry, images: tuple[ImageManifest, ...], method: str, part: str
) -> None:
    broken: set[str] = set()

    def cut(request: Request) -> int | None:
        if request.method != method or part not in request.path or len(broken) == 3:
            return None
        broken.add(f"{request.path} {len(broken)}")
        return 5

    registry.server.cut = cut
    assert push(registry, images) == sha256(index_of(images))
    assert len(broken) == 3
    assert registry.blobs == contents(images)


@pytest.mark.parametrize("status", [401, 403])
def test_a_denied_push_names_the_tag_and_the_login(
    registry: PushRegistry, images: tuple[ImageManifest, ...], status: int
) -> None:
    registry.fault = lambda request: (
        problem(status, "DENIED", message="requested access\nis \x1b[1mdenied")
        if request.method == "POST"
        else None
    )
    with pytest.raises(ExpectedError) as caught:
        push(registry, images)
    lines = caught.value.message.splitlines()
    host = registry.server.host
    assert lines[0].startswith(f"pushing {host}/{NAME}:{TAG} failed: ")
    assert lines[1] == "  DENIED: requested access is [1mdenied"
    assert f"docker login {host}" in caught.value.hint
    assert registry.manifests == {}


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (problem(404, "NAME_UNKNOWN"), "  NAME_UNKNOWN", f"create the repository '{NAME}'"),
        (problem(400, "DENIED", message="quota"), "  DENIED: quota", "docker login"),
        (Answer(413, b"<html>"), "413", "size limit"),
        (problem(500, "UNKNOWN", message="no space left"), "no space left", "free disk space"),
        (Answer(507), "507", "free disk space"),
    ],
    ids=["unknown", "quota", "too large", "disk full", "storage"],
)
def test_other_refusals_have_their_remedies(
    registry: PushRegistry,
    images: tuple[ImageManifest, ...],
    answer: Answer,
    message: str,
    hint: str,
) -> None:
    registry.fault = lambda request: answer if request.method in {"PUT", "PATCH"} else None
    with pytest.raises(ExpectedError) as caught:
        push(registry, images)
    assert f"{NAME}:{TAG} failed: " in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_registry_is_an_error(images: tuple[ImageManifest, ...]) -> None:
    place = Repository("http://127.0.0.1:1", NAME, "127.0.0.1:1", lambda _registry: None)
    with pytest.raises(ExpectedError, match="did not respond") as caught:
        push_image(place, TAG, images[:1], None, report=Reports().append)
    assert "this machine is online" in caught.value.hint


def _damaged(images: Sequence[ImageManifest], content: bytes | None) -> tuple[Path, ImageManifest]:
    """Change the file of a layer; None deletes it."""
    path = images[0].blobs[1].path
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    return path, images[0]


@pytest.mark.parametrize("kind", ["missing", "short", "changed"])
def test_a_damaged_layer_is_named(
    registry: PushRegistry, images: tuple[ImageManifest, ...], kind: str
) -> None:
    size = images[0].blobs[1].size
    content = {"missing": None, "short": b"short", "changed": bytes(size)}[kind]
    path, image = _damaged(images, content)
    with pytest.raises(ExpectedError) as caught:
        push(registry, [image])
    assert str(path) in caught.value.message
    assert "build the image again" in caught.value.hint
    assert registry.manifests == {}
    if kind != "changed":
        assert registry.server.requests == [], "nothing was sent before the check"


def test_a_manifest_with_another_digest_is_rejected(
    registry: PushRegistry, images: tuple[ImageManifest, ...]
) -> None:
    other = "sha256:" + "0" * 64
    registry.fault = lambda request: (
        Answer(201, headers={"Docker-Content-Digest": other})
        if request.method == "PUT" and request.path.endswith(TAG)
        else None
    )
    with pytest.raises(ExpectedError, match=f"stored {images[0].digest} as {other}"):
        push(registry, images[:1])


def test_the_first_error_ends_all_uploads(
    registry: PushRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other threads end in the middle of their blobs."""
    image = write_image(tmp_path, [os.urandom(1 << 20) for _ in range(4)], level=0)
    monkeypatch.setattr(http, "CHUNK", 1 << 14)
    denied = image.blobs[1].digest.replace(":", "%3A")

    def answer(request: Request) -> Answer | None:
        return problem(403, "DENIED") if f"digest={denied}" in request.path else None

    registry.fault = answer
    read = push_module._Push._read

    def slow_read(
        self: push_module._Push, blob: BlobFile, start: int, stop: int
    ) -> Iterator[bytes]:
        for number, piece in enumerate(read(self, blob, start, stop)):
            if number and blob.digest != image.blobs[1].digest:
                assert threads._thread.stop.wait(60)
            yield piece

    monkeypatch.setattr(push_module._Push, "_read", slow_read)
    with pytest.raises(ExpectedError, match="DENIED"):
        push(registry, [image])
    large = {blob.digest for blob in image.blobs[1:]}
    assert not {digest for _, digest in registry.blobs} & large


def test_large_blobs_come_first(
    registry: PushRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_module, "THREADS", 1)
    image = write_image(tmp_path, [os.urandom(size) for size in (500, 3000, 1000)], level=0)
    push(registry, [image])
    sizes = [len(request.content) for request in registry.sent("PUT")][:-1]
    assert sizes == sorted((blob.size for blob in image.blobs), reverse=True)


def test_progress_never_exceeds_the_total(
    registry: PushRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SIZE", 1 << 18)
    monkeypatch.setattr(push_module, "CHUNK_SIZE", 1 << 18)
    monkeypatch.setattr(http, "CHUNK", 1 << 16)
    image = write_image(tmp_path, [os.urandom(1 << 20)], level=0)
    reports = Reports()
    push(registry, [image], reports=reports)
    states = [line for line in reports if isinstance(line, TaskState)]
    assert {state.state for state in states[:-1]} == {"pushing"}
    assert states[-1].state == "done"
    assert {state.size for state in states} == {sum(blob.size for blob in image.blobs)}
    texts = [state.detail.partition(", ")[0] for state in states]
    assert texts[-1] == "1.0 MB of 1.0 MB"
    assert any(text.startswith("524.") for text in texts), "half of it"
    assert len(registry.sent("PATCH")) == 5


PROGRAM = """
import sys
from pathlib import Path
from orbiter.oci import chunks, push
from orbiter.oci.registry import Repository, anonymous
from tests.support.image_blobs import write_image
url, host, folder = sys.argv[1:]
chunks.CHUNK_SIZE = push.CHUNK_SIZE = 1 << 16
tars = [bytes([number]) * (1 << 17) for number in range(5)]
image = write_image(Path(folder), tars, level=0)
place = Repository(url, "team/image", host, anonymous)
print(push.push_image(place, "t", [image], None, report=print))
"""


@pytest.mark.parametrize(
    ("method", "number"), [("HEAD", 2), ("PATCH", 1), ("PATCH", 7), ("PUT", 3), ("PUT", 7)]
)
def test_a_killed_push_leaves_no_tag_and_the_next_one_continues(
    registry: PushRegistry, tmp_path: Path, method: str, number: int
) -> None:
    reached, ended = threading.Event(), threading.Event()

    def answer(request: Request) -> Answer | None:
        if request.method == method and len(registry.sent(method)) >= number:
            reached.set()
        if not reached.is_set():
            return None
        ended.wait()
        return Answer(500)

    registry.fault = answer
    with subprocess.Popen(command_for(registry, tmp_path), stdout=subprocess.DEVNULL) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
    ended.set()
    assert process.returncode == -signal.SIGKILL
    assert registry.manifests == {}
    # Requests of the killed process may still arrive, so the next push goes to a second server.
    with push_registry() as second:
        second.blobs |= registry.blobs
        kept = len(second.blobs)
        command = command_for(second, tmp_path)
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert sha256(second.manifests["team/image", "t"]) == done.stdout.splitlines()[-1]
        assert len(second.blobs) == 6
        assert len(second.sent("POST")) == 6 - kept


def command_for(registry: PushRegistry, folder: Path) -> list[str]:
    """Return the command that pushes to a registry."""
    server = registry.server
    return [sys.executable, "-c", PROGRAM, server.url, server.host, str(folder)]


def test_sources_of_mounts_are_repositories_of_the_same_registry() -> None:
    references = [
        "registry.example.org/team/base:1",
        "registry.example.org/team/base:2",
        "registry.example.org/team/image:0.1.0",
        "debian:trixie-slim",
        "other.example.org/team/base:1",
    ]
    assert mount_sources("registry.example.org/team/image:0.2.0", references) == ("team/base",)
    assert mount_sources("ann/image:0.2.0", references) == ("library/debian",)
