import pytest

from resolvers.redaction import program_line, request_line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["git", "log", "a b"], "run git log 'a b'"),
        (
            ["pip", "--index-url=https://user:pass/w@host/simple"],
            "run pip --index-url=https://host/simple",
        ),
        (["x", "https://a:b@c/d https://e:f@g/h"], "run x 'https://c/d https://g/h'"),
        (["x", "https://host/t/ab-1234/channel"], "run x 'https://host/t/…/channel'"),
        (["sh", "-c", "a\nb\x1b[31m"], r"run sh -c 'a\nb\x1b[31m'"),
        (["sh", "\udcff"], r"run sh '\udcff'"),
        (["x", "é"], "run x 'é'"),
        (["x", "y" * 400], f"run x '{'y' * 300}…'"),
    ],
)
def test_a_line_about_a_program(words: list[str], line: str) -> None:
    assert program_line(words) == line


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host/a", "https://host/a"),
        ("https://host/a?token=secret&b=c", "https://host/a?…"),
        ("https://host/t/secret/a?x", "https://host/t/…/a?…"),
        ("https://host/@scope/name", "https://host/@scope/name"),
        ("https://host/\n\x1b", r"https://host/\n\x1b"),
    ],
)
def test_a_line_about_a_request(url: str, shown: str) -> None:
    assert request_line("GET", url, 200) == f"GET {shown}: 200"
