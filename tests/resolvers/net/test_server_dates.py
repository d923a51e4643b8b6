"""The dates in the answers of servers."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from resolvers.net import http, server_dates
from tests.support.loopback import Answer, serving

LATE = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
HUGE = f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"


@pytest.fixture(autouse=True)
def no_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_dates, "_dates", {})


@pytest.mark.parametrize("status", [200, 404])
def test_every_answer_has_a_date(status: int) -> None:
    with serving() as server:
        server.otherwise = Answer(status)
        with suppress(http.HTTPError):
            http.get(f"{server.url}/a")
    (difference,) = server_dates.differences().values()
    assert abs(difference) < timedelta(minutes=1)


def test_the_difference_of_another_clock() -> None:
    server_dates.keep("index.example", {"date": LATE})
    (difference,) = server_dates.differences().values()
    assert timedelta(hours=-2, minutes=-1) < difference < timedelta(hours=-1)


@pytest.mark.parametrize(
    "headers", [{"date": LATE, "age": "7200"}, {"date": "soon"}, {"date": HUGE}, {}]
)
def test_answers_without_a_usable_date(headers: dict[str, str]) -> None:
    server_dates.keep("index.example", headers)
    assert server_dates.differences() == {}
