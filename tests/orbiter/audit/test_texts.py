"""Readers of scripts and Dockerfiles: what they find, and that hostile texts take linear time."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from orbiter.audit.configuration import _WORD
from orbiter.audit.here_documents import here_documents
from orbiter.audit.rules.accounts import MASTER, _creates
from orbiter.audit.rules.orbiter import WRITTEN
from orbiter.audit.rules.scripts import changed_modes
from orbiter.sbom.debian_copyright import licences_of

SIZE = 300_000
SECONDS = 20.0
"""Processor time. A linear reader needs a hundredth of it, a quadratic one many minutes."""
COPYRIGHT = (
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n"
)


@contextmanager
def limited() -> Iterator[None]:
    """Raise TimeoutError if the block needs more processor time than any linear reader."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def test_here_documents_end_at_their_word() -> None:
    script = "cat > /a <<'END'\none\n ENDS\nEND\ncat > /b <<'X'\nX\necho\ncat > /c <<'Y'\nrest\n"
    found = [(match["path"], text) for match, text in here_documents(script, WRITTEN)]
    assert found == [("/a", "one\n ENDS\n"), ("/b", ""), ("/c", "rest\n")]
    master = 'cat > "$DPKG_ROOT/etc/passwd" <<EOF\nroot::0:0:\nEOF\n'
    ((match, text),) = here_documents(master, MASTER)
    assert (match["name"], text) == ("passwd", "root::0:0:\n")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("chmod 2755 /usr/bin/wall", [(0o2755, ["/usr/bin/wall"])]),
        ("  chmod --quiet -R 0700 /a /b || true", [(0o700, ["/a", "/b", "||", "true"])]),
        ("chmod u+s /a; chmod 755 /b", [(0o755, ["/b"])]),
        ("chmod\t0644 x\nchmod 600", [(0o644, ["x"]), (0o600, [])]),
        ("chmod -R", []),
        ("chmod", []),
    ],
)
def test_modes_of_chmod(script: str, expected: list[tuple[int, list[str]]]) -> None:
    assert list(changed_modes(script)) == expected


def test_accounts_of_commands_that_span_lines() -> None:
    script = "adduser --system \\\n  --home /run/x \\\n  messages\necho other\n"
    assert _creates("messages", script)
    assert not _creates("other", script)
    assert not _creates("message", script)


@pytest.mark.parametrize("unit", ["chmod ", "chmod -", "chmod --a ", "--a ", "- ", "chmod\n"])
def test_modes_in_linear_time(unit: str) -> None:
    with limited():
        list(changed_modes("chmod " + unit * (SIZE // len(unit)) + "x"))


READERS: dict[str, Callable[[str], object]] = {
    "written": lambda text: list(here_documents(text, WRITTEN)),
    "master": lambda text: list(here_documents(text, MASTER)),
    "accounts": lambda text: _creates("name", text),
    "settings": lambda text: _WORD.findall(f"a=b {text}"),
    "licences": lambda text: licences_of(f"{COPYRIGHT}License: MIT{text}x\n"),
}
UNITS = (
    "cat > /a <<'A'\n",
    "cat > /etc/passwd <<EOF\n",
    "adduser ",
    "adduser \\\n",
    "\\",
    "a",
    "a=",
    'a="',
    " ",
    ", ",
    " and",
    " with ",
)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("reader", READERS)
def test_readers_in_linear_time(reader: str, unit: str) -> None:
    with limited():
        READERS[reader](unit * (SIZE // len(unit)))
