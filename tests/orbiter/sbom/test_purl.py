"""Package URLs, compared with another library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from orbiter.sbom.purl import image_purl, purl, with_qualifier

NAMES = st.from_regex(r"[a-z0-9][a-z0-9.+_~-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20)


@given(name=NAMES, version=TEXTS, value=TEXTS)
def test_another_library_reads_the_same_values(name: str, version: str, value: str) -> None:
    text = purl("generic", name, version, namespace="a/b", qualifiers={"key": value, "no": ""})
    read = PackageURL.from_string(text)
    assert (read.type, read.namespace, read.name, read.version) == ("generic", "a/b", name, version)
    assert read.qualifiers == {"key": value}


@pytest.mark.parametrize("text", ["pkg:deb/debian/a@1", "pkg:deb/debian/a@1?upstream=b"])
def test_a_qualifier_is_added_or_replaced(text: str) -> None:
    assert with_qualifier(text, "upstream", "gcc@1:2") == "pkg:deb/debian/a@1?upstream=gcc%401:2"


def test_images_are_named_by_the_last_part_of_their_repository() -> None:
    text = image_purl("registry.example.org/lab/Images", "base-0.1.0", "sha256:00")
    read = PackageURL.from_string(text)
    assert (read.type, read.name, read.version) == ("oci", "images", "sha256:00")
