"""A registry, another machine, and a target of each kind, for archives."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolvers.net import http
from tests.support.loopback_registry import NAME, USER, LoopbackRegistry, registry

KINDS = ("folder", "tar", "registry")


@pytest.fixture
def loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackRegistry]:
    """Start a registry whose password is in the configuration of docker."""
    monkeypatch.setattr(http, "PAUSES", (0.0,))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    with registry() as found:
        users = {found.server.host: {"auth": base64.b64encode(":".join(USER).encode()).decode()}}
        (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": users}))
        yield found


@pytest.fixture
def other_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that switches to an empty store, without any index or mirror."""

    def switch() -> None:
        for variable in ("PIP_INDEX_URL", "ORBITER_APT_MIRROR"):
            monkeypatch.setenv(variable, "http://127.0.0.1:1")
        monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / uuid.uuid4().hex))

    return switch


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path, loopback: LoopbackRegistry) -> str:
    return {
        "folder": str(tmp_path / "places" / "carried"),
        "tar": str(tmp_path / "places" / "carried.tar"),
        "registry": f"oci://{loopback.server.host}/{NAME}",
    }[request.param]
