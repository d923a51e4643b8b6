"""The Dockerfile of a repository for Binder: it starts from an image of a release. Pure."""

MARK = "# Written by `orbiter binder`"
COPY = "COPY --chown=${NB_UID}:${NB_GID} . ${HOME}\n"


def environment_dockerfile(image: str, stage: str, release: str, *, copy: bool) -> str:
    """Return a Dockerfile that starts from an image, named by its tag and perhaps its digest.

    ``copy`` adds the files of the repository to the home folder.
    """
    head = f"{MARK}: the image {stage} of release {release}.\nFROM {image}\n"
    return head + COPY if copy else head


def is_environment_dockerfile(text: str) -> bool:
    """Return whether Orbiter wrote the Dockerfile."""
    return text.startswith(MARK)
