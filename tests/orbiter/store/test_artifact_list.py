import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.store.artifact_list import LockedFile, format_list, parse_list
from resolvers.errors import ExpectedError

TEXT = f"""\
sha256:{"a" * 64} 12 apt/curl_8_amd64.deb apt:pool/main/c/curl/curl_8_amd64.deb
sha512:{"b" * 128} 0 npm/vega-lite-6.tgz npm:vega-lite/-/vega-lite-6.tgz
"""


def test_parse_and_format() -> None:
    deb, tarball = parse_list(TEXT)
    assert deb == LockedFile(
        path="apt/curl_8_amd64.deb",
        hash=f"sha256:{'a' * 64}",
        size=12,
        source="apt:pool/main/c/curl/curl_8_amd64.deb",
    )
    assert tarball.size == 0
    assert format_list([tarball, deb]) == TEXT
    assert (parse_list(""), format_list([])) == ((), "")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "sha256:12 1 a pip:a/a",
        f"sha256:{'a' * 64} 1 a",
        f"sha256:{'a' * 64} one a pip:a/a",
        f"sha256:{'a' * 64} 1 /a pip:a/a",
        f"sha256:{'a' * 64} 1 a/../../b pip:a/a",
        f"md5:{'a' * 32} 1 a pip:a/a",
        TEXT.splitlines()[0],
    ],
)
def test_malformed_lines(line: str) -> None:
    with pytest.raises(ExpectedError, match="line 3 of the artifact list is malformed"):
        parse_list(f"{TEXT}{line}\n")


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
files = st.builds(
    LockedFile,
    path=words.filter(lambda word: not word.startswith("/") and ".." not in word),
    hash=st.binary(min_size=32, max_size=32).map(lambda data: f"sha256:{data.hex()}"),
    size=st.integers(0, 2**40),
    source=words,
)


@given(st.lists(files, unique_by=lambda file: file.path, max_size=5))
def test_lists_are_read_as_written(written: list[LockedFile]) -> None:
    assert parse_list(format_list(written)) == tuple(sorted(written))
