"""The overview of a repository on Docker Hub, with a stand-in for its API."""

from collections.abc import Iterator

import pytest

from orbiter.oci.hub import MOST_BYTES, check_overview, relative_links, send_overview
from orbiter.oci.registry import Credentials
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.loopback import Answer
from tests.support.loopback_hub import LOGIN, LoopbackHub, hub

REPOSITORY = "ann/images"


def login(registry: str) -> tuple[str, str] | None:
    return LOGIN if registry == "docker.io" else None


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    monkeypatch.setattr(http, "PAUSES", (0.0,))
    with hub() as started:
        yield started


@pytest.mark.parametrize("name", [REPOSITORY, f"docker.io/{REPOSITORY}"])
def test_the_text_becomes_the_overview(stand_in: LoopbackHub, name: str) -> None:
    text = "# Bilder für Ann\n\n```console\ndocker pull …\n```\n"
    check_overview(name, text, login)
    send_overview(name, text, login, stand_in.url)
    assert stand_in.overviews == {REPOSITORY: text}


def test_a_temporary_error_is_retried(stand_in: LoopbackHub) -> None:
    answers = iter([Answer(503)])
    answer = stand_in.answer
    stand_in.server.otherwise = lambda request: next(answers, None) or answer(request)
    send_overview(REPOSITORY, "new", login, stand_in.url)
    assert stand_in.overviews == {REPOSITORY: "new"}


def refused(name: str, credentials: Credentials, api: str) -> ExpectedError:
    with pytest.raises(ExpectedError) as error:
        send_overview(name, "new", credentials, api)
    assert LOGIN[1] not in f"{error.value.message} {error.value.hint}"
    return error.value


def test_a_rejected_login_is_named(stand_in: LoopbackHub) -> None:
    error = refused(REPOSITORY, lambda _: ("ann", "wrong"), stand_in.url)
    assert error.message == "Docker Hub rejects the login of docker.io"
    assert "docker login" in error.hint


def test_a_repository_of_others_is_named(stand_in: LoopbackHub) -> None:
    error = refused("bob/images", login, stand_in.url)
    assert "no repository bob/images that this login may change" in error.message
    stand_in.server.replies[f"/v2/repositories/{REPOSITORY}"] = Answer(403)
    error = refused(REPOSITORY, login, stand_in.url)
    assert error.message == "the login of docker.io may not change the overview of ann/images"
    assert stand_in.overviews == {REPOSITORY: "old"}


def test_an_answer_without_token_is_an_error(stand_in: LoopbackHub) -> None:
    stand_in.server.replies["/v2/auth/token"] = Answer(200, b"<html>")
    assert "is not a valid registry response" in refused(REPOSITORY, login, stand_in.url).message


@pytest.mark.parametrize(
    ("repository", "text", "credentials", "problem"),
    [
        ("quay.io/ann/images", "", login, "quay.io has no API that Orbiter knows for a README"),
        ("localhost:5000/images", "", login, "localhost:5000 has no API that Orbiter knows"),
        (REPOSITORY, "é" * (MOST_BYTES // 2) + "x", login, "the README has 25,001 bytes"),
        (REPOSITORY, "", lambda _: None, "there is no login with a password or token"),
    ],
)
def test_mistakes_are_found_without_a_request(
    repository: str, text: str, credentials: Credentials, problem: str
) -> None:
    with pytest.raises(ExpectedError) as error:
        check_overview(repository, text, credentials)
    assert error.value.message.startswith(problem)


def test_the_longest_text_is_accepted() -> None:
    check_overview(REPOSITORY, "x" * MOST_BYTES, login)


def test_relative_links_are_counted() -> None:
    links = "[a](docs/a.md) ![b](b.png) [c](https://c.example) [d](#d) [e](mailto:e@f) [f](/f) []()"
    assert relative_links(links) == 3
