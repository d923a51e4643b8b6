from collections.abc import Iterator

import pytest

from orbiter.oci.mirrors import sources
from resolvers.net import profile
from resolvers.net.profile import Setting


@pytest.fixture(autouse=True)
def _mirrors() -> Iterator[None]:
    registries = {"docker.io": "registry.example.org/hub", "quay.example.org": "127.0.0.1:5000"}
    profile.use({f"registries.{name}": Setting(to, "") for name, to in registries.items()})
    yield
    profile.use({})


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (
            "debian:trixie-slim",
            [
                "https://registry.example.org/v2/hub/library/debian",
                "https://mirror.example.org/v2/library/debian",
                "https://registry-1.docker.io/v2/library/debian",
            ],
        ),
        (
            "quay.example.org/team/base",
            ["http://127.0.0.1:5000/v2/team/base", "https://quay.example.org/v2/team/base"],
        ),
        ("other.example.org/base", ["https://other.example.org/v2/base"]),
    ],
)
def test_the_mirror_of_a_registry_comes_first(reference: str, expected: list[str]) -> None:
    found = sources(reference, mirrors=("https://mirror.example.org",))
    assert [f"{each.url}/v2/{each.name}" for each in found] == expected


def test_a_mirror_has_a_login_of_its_own() -> None:
    mirror, *_ = sources("debian", credentials=lambda registry: (registry, "pw"))
    assert mirror.registry == "registry.example.org"
