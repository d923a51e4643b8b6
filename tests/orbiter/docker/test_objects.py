"""Images of the engine that repo2docker built for Orbiter."""

import pytest

from orbiter.docker.objects import LocalImage

LABELS = {"org.orbiter.started": "example.org/images:debian-core-0.1.0"}


@pytest.mark.parametrize(
    ("tags", "labels", "name"),
    [
        (("mine:1", "orbiter-repo2docker-1:latest"), LABELS, "orbiter-repo2docker-1:latest"),
        (
            ("localhost/orbiter-repo2docker-1:latest",),
            LABELS,
            "localhost/orbiter-repo2docker-1:latest",
        ),
        (("orbiter-repo2docker-1:latest",), None, ""),
        (("mine:1",), LABELS, ""),  # made from a container by docker commit
        (None, LABELS, ""),
    ],
)
def test_the_name_that_repo2docker_gave_an_image(
    tags: tuple[str, ...] | None, labels: dict[str, str] | None, name: str
) -> None:
    image = LocalImage(id="sha256:1", size=1, repo_tags=tags, labels=labels)
    assert image.repo2docker_name == name
    assert image.repo2docker_owner == ("1" if name else "")
