"""Checks at the same time, each with a time limit."""

import socket
import subprocess
import sys
import time

import pytest

from orbiter.doctor.check import BUSY, Asks, Check, run_checks
from orbiter.doctor.result import Outcome, ok
from resolvers.errors import ExpectedError
from resolvers.net import http


def test_a_server_that_never_answers_fails_after_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple/a/"

        def ask(asks: Asks) -> Outcome:
            asks(url, "PIP_INDEX_URL")
            http.get(url)
            return ok("it answered")

        slow, quick = run_checks([Check("a", ask, 0.5), Check("b", lambda _asks: ok("done"))])
    assert (slow.state, slow.fault, slow.detail) == ("failed", "time-out", "no answer in 0.5 s")
    assert (slow.address, slow.origin) == (url, "PIP_INDEX_URL")
    assert "firewall" in slow.hint
    assert (quick.name, quick.state) == ("b", "ok")


def test_each_check_has_its_own_limit_and_one_without_an_address_blames_no_network() -> None:
    def run(_asks: Asks) -> Outcome:
        time.sleep(1)
        return ok("done")

    hasty, patient = run_checks([Check("a", run, 0.1), Check("b", run, 50)])
    assert (hasty.state, hasty.detail, hasty.hint) == ("failed", "no answer in 0.1 s", BUSY)
    assert patient.state == "ok"


def test_a_server_that_never_answers_does_not_keep_the_process_alive() -> None:
    code = (
        "import sys; from orbiter.doctor.check import Check, run_checks; "
        "from resolvers.net import http; "
        "run_checks([Check('a', lambda _asks: http.get(sys.argv[1]), 0.1)])"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        subprocess.run([sys.executable, "-c", code, url], check=True, timeout=50)


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:hidden@proxy.example:3128")

    def ask(asks: Asks) -> Outcome:
        asks("https://ann:hidden@index.example/t/hidden/simple/a/?token=hidden", "PIP_INDEX_URL")
        raise ExpectedError("https://ann:hidden@index.example/ said no", "token=hidden")

    (found,) = run_checks([Check("a", ask)])
    assert "hidden" not in str(found)
    assert (found.proxy, found.state) == ("http://proxy.example:3128", "failed")


def test_progress_is_reported() -> None:
    lines: list[object] = []
    checks = [Check("a", lambda _asks: ok("done")), Check("b", lambda _asks: ok("done"))]
    run_checks(checks, report=lines.append)
    assert lines == ["0 of 2 checks", "1 of 2 checks", ""]


def test_the_last_checks_use_the_results_of_the_others_and_are_counted() -> None:
    done: list[str] = []

    def run(_asks: Asks) -> Outcome:
        time.sleep(0.2)
        done.append("first")
        return ok("")

    lines: list[object] = []
    last = Check("b", lambda _asks: ok(f"after {done}"))
    _, found = run_checks([Check("a", run)], report=lines.append, last=[last])
    assert found.detail == "after ['first']"
    assert lines == ["0 of 2 checks", "1 of 2 checks", ""]


def test_texts_have_one_line() -> None:
    def fail(_asks: Asks) -> Outcome:
        raise ExpectedError("one\n  two", "three\nfour")

    (found,) = run_checks([Check("a", fail)])
    assert (found.detail, found.hint) == ("one two", "three four")


def test_an_error_of_the_system_names_the_file() -> None:
    def read(_asks: Asks) -> Outcome:
        raise PermissionError(13, "Permission denied", "/etc/shadow")

    (found,) = run_checks([Check("a", read)])
    assert (found.state, found.detail) == ("failed", "/etc/shadow: Permission denied")


def test_a_bug_is_not_a_finding() -> None:
    def fail(_asks: Asks) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_checks([Check("a", fail)])
