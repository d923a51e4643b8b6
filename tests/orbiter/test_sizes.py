import pytest

from orbiter.sizes import format_size, format_size_change


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert format_size(size) == text


def test_size_changes() -> None:
    assert [format_size_change(change) for change in (1500, -1500, 0, None)] == [
        "+1.5 kB",
        "-1.5 kB",
        "",
        "",
    ]
