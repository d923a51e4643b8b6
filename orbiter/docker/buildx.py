"""The installed buildx and its builders."""

from resolvers import process
from resolvers.errors import ExpectedError, ProgramError

INSTALL_HINT = (
    "install Docker Engine with buildx and start it; 'docker info' must work for this user"
)


def docker_program() -> str:
    """Return the path of the program docker; raise ExpectedError if it is not installed."""
    return process.find("docker", INSTALL_HINT)


def buildx_version() -> str:
    """Return the version of buildx (``0.13.1``); raise ExpectedError if it is not installed."""
    command = [docker_program(), "buildx", "version"]
    try:
        output = process.run(command, name="docker buildx version")
    except ProgramError as error:
        raise ExpectedError(f"docker has no buildx: {error.message}", INSTALL_HINT) from error
    # Upstream prints v0.29.1, Debian 0.13.1+ds1.
    return output.split()[1].removeprefix("v")


def inspect_builder(builder: str) -> dict[str, tuple[str, ...]]:
    """Return the properties that buildx prints for a builder, by lower-case name.

    A builder on several machines has several values for a property.
    """
    command = [docker_program(), "buildx", "inspect"]
    if builder:
        command.append(builder)
    properties: dict[str, dict[str, None]] = {}
    for line in process.run(command, name="docker buildx inspect").splitlines():
        name, _, value = line.partition(":")
        properties.setdefault(name.strip().lower(), {})[value.strip()] = None
    return {name: tuple(values) for name, values in properties.items()}
