import pytest

from resolvers.redaction import program_line, redact, request_line, without_secrets


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
        (["x", "https://h/x,https://u:SECRET@h2/y"], "run x https://h/x,https://h2/y"),
        (["x", "https://a:b@c/d\nhttps://e:f@g/h"], r"run x 'https://c/d\nhttps://g/h'"),
        (["npm", "--//h/:_authToken=SECRET"], "run npm '--//h/:_authToken=…'"),
        (["x", "--password", "SECRET"], "run x --password …"),
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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'a @ git+https://user:SE/CRET@h/r.git'", "'a @ git+https://…@h/r.git'"),
        ("git+ssh://git@host/lab/x.git@v1", "git+ssh://…@host/lab/x.git@v1"),
        ("a://u:SEC RET@h", "a://…@h"),
        ("https://[::1]:80/@scope/name", "https://[::1]:80/@scope/name"),
        ("(a @ https://h/f.whl?sig=SECRET)", "(a @ https://h/f.whl?…)"),
        ("'RUN export TOKEN=SECRET'", "'RUN export TOKEN=…'"),
        ('DB_PASS="SE CRET" x', "DB_PASS=… x"),
        (r'AWS_SECRET_ACCESS_KEY="SE\"CRET" x', "AWS_SECRET_ACCESS_KEY=… x"),
        ("{'password': 'SECRET'}", "{'password': …}"),
        ("curl -H 'Authorization: Bearer SECRET' h", "curl -H 'Authorization: …' h"),
        ("curl -H 'PRIVATE-TOKEN: SECRET' h", "curl -H 'PRIVATE-TOKEN: …' h"),
        ("curl -u me:SECRET h", "curl -u me:… h"),
        (
            "tokenizers=0.1 a-token==1 secretstorage>=3",
            "tokenizers=0.1 a-token==1 secretstorage>=3",
        ),
    ],
)
def test_secrets_are_not_shown(text: str, shown: str) -> None:
    assert without_secrets(text, mark="…@") == shown


def test_an_address_keeps_its_query_without_its_login() -> None:
    assert redact("https://user:wo/rd@host/a?b=c") == "https://host/a?b=c"


@pytest.mark.parametrize(
    "part",
    [
        *(
            "token=",
            'token=\\"',
            "token='",
            "-",
            "--a",
            "://",
            "://@",
            "a://b:c@ ",
            "authorization:",
        ),
        *(
            "authorization:",
            "bearer ",
            "-u a",
            "?",
            "/t/",
            "--token ",
            "[:",
            '"token=\\',
            "token: ",
            "token: '\\",
        ),
    ],
)
def test_secrets_are_found_in_linear_time(part: str) -> None:
    """Patterns whose time is not linear would take hours."""
    without_secrets("a://" + part * (1_000_000 // len(part)) + '://@"', mark="…@")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:pw@h:1/a?b#c", "https://h:1/a?b#c"),
        ("https://token@h/a", "https://h/a"),
        ("file:///a", "file:///a"),
    ],
)
def test_an_address_without_credentials(url: str, shown: str) -> None:
    assert redact(url) == shown
