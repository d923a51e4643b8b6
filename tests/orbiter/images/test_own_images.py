"""The images that belong to an image set, among everything that an engine lists."""

import pytest

from orbiter.images.list import OwnImages

OWN = OwnImages(repositories=frozenset({("docker.io", "ada/notebooks")}), roots={})


@pytest.mark.parametrize(
    ("tag", "is_own"),
    [
        ("ada/notebooks:debian-base-0.1.0", True),
        ("docker.io/ada/notebooks:debian-base-0.1.0", True),
        ("registry.example.org/ada/notebooks:debian-base-0.1.0", False),
        ("<none>:<none>", False),
        ("a text in a label", False),
        ("", False),
    ],
)
def test_only_tags_of_the_repositories_are_own(tag: str, is_own: bool) -> None:
    assert OWN.has(tag) is is_own
