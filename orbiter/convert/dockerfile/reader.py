"""Read a Dockerfile."""

from pathlib import Path

from orbiter.convert.collect import Collector
from resolvers.errors import ExpectedError


def read(file: Path, _text: str, _collector: Collector) -> None:
    """Collect."""
    raise ExpectedError(f"{file}: Dockerfiles cannot be imported", "name another file")
