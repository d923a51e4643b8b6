"""The log of a server, and the place of its URL in it."""

import io
import time
from collections import deque
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import pytest

from orbiter.images.server_log import MOST_LINES, RUNNING, TAIL, follow
from resolvers.errors import ExpectedError
from tests.support.loopback import Answer, serving

TOKEN = "5" * 48
STATUS = "/api/status"


def output(produce: Callable[[Callable[[str], None], io.StringIO], object]) -> str:
    """Return what a terminal shows of a log whose server answers and then stops."""
    text = io.StringIO()
    with serving() as server, redirect_stdout(text), redirect_stderr(text):
        server.replies[STATUS] = Answer()
        with pytest.raises(ExpectedError, match=r"the server in the container stopped$"):
            follow(lambda put: produce(put, text), server.url, TOKEN)
        assert server.requests[0].headers["authorization"] == f"token {TOKEN}"
    return text.getvalue()


def wait_for_url(text: io.StringIO) -> None:
    while "/lab?token=" not in text.getvalue():
        time.sleep(0.01)


def test_the_url_follows_the_messages_of_the_start() -> None:
    def produce(put: Callable[[str], None], text: io.StringIO) -> None:
        for line in ("starting", RUNNING, "To access the server, open a file"):
            put(line)
        wait_for_url(text)
        put("a kernel starts")

    lines = [line for line in output(produce).splitlines() if line]
    assert lines[:3] == ["starting", RUNNING, "To access the server, open a file"]
    assert lines[3].endswith("Ctrl-C stops it.")
    assert lines[4].endswith(f"/lab?token={TOKEN}")
    assert lines[5:] == ["a kernel starts"]


def test_a_log_without_a_pause_does_not_keep_the_url_back() -> None:
    def produce(put: Callable[[str], None], text: io.StringIO) -> None:
        put(RUNNING)
        while "/lab?token=" not in text.getvalue():
            put("more")
            time.sleep(0.001)

    assert output(produce).partition("http")[0].count("more") == MOST_LINES


def test_the_url_of_a_server_that_stops_at_once_is_printed() -> None:
    assert TOKEN in output(lambda put, _text: put(RUNNING))


def test_a_server_that_never_answers_is_an_error_with_its_last_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    numbers = [str(number) for number in range(TAIL + 5)]
    with pytest.raises(ExpectedError) as caught:
        follow(lambda put: deque(map(put, numbers), maxlen=0), "http://127.0.0.1:9", TOKEN)
    assert caught.value.message.splitlines()[1:] == [f"  {line}" for line in numbers[5:]]
    assert capsys.readouterr().err.splitlines() == numbers


def test_an_error_of_the_log_is_raised() -> None:
    def produce(_put: Callable[[str], None]) -> None:
        raise ExpectedError("the engine does not answer")

    with pytest.raises(ExpectedError, match="the engine does not answer"):
        follow(produce, "http://127.0.0.1:9", TOKEN)
