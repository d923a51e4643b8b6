import pytest

from orbiter.oci.reference import Reference, is_reference, parse_reference
from resolvers.errors import ExpectedError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("debian", "docker.io", "library/debian", "latest", ""),
        ("debian:trixie-slim", "docker.io", "library/debian", "trixie-slim", ""),
        ("jupyter/base", "docker.io", "jupyter/base", "latest", ""),
        ("index.docker.io/debian", "docker.io", "library/debian", "latest", ""),
        ("localhost/a", "localhost", "a", "latest", ""),
        (f"[::1]:5000/a/b:t@{DIGEST}", "[::1]:5000", "a/b", "t", DIGEST),
        (f"q.test/a__b/c-d.e@{DIGEST}", "q.test", "a__b/c-d.e", "", DIGEST),
    ],
)
def test_parse_reference(text: str, registry: str, repository: str, tag: str, digest: str) -> None:
    expected = Reference(registry=registry, repository=repository, tag=tag, digest=digest)
    assert parse_reference(text) == expected
    assert is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Debian", "a//b", "a:", "a@sha256:12", "a b", "https://a.test/b"),
        *("[::1/b", "::1]/b", "a.test:x/b", "a.test:99999/b"),
    ],
)
def test_invalid_references(text: str) -> None:
    assert not is_reference(text)
    with pytest.raises(ExpectedError, match="is not an image reference"):
        parse_reference(text)
