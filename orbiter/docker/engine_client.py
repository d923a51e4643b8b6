"""The SDK's client of an engine, with the certificates of this engine."""

import warnings
from typing import Any

from docker import APIClient, DockerClient


class _EngineApi(APIClient):
    def merge_environment_settings(
        self,
        url: str | bytes | None,
        proxies: Any,
        stream: bool | None,
        verify: Any,
        cert: Any,
    ) -> Any:
        """Return the settings of a request.

        requests prefers REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, which are for other servers, to the
        certificates of a session.
        """
        chosen = (self.verify or False) if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, chosen, cert)


class EngineClient(DockerClient):
    """A client of an engine; the options are those of ``docker.DockerClient``."""

    def __init__(self, **options: Any) -> None:
        # A user who turns the check of certificates off knows it, and docker prints nothing either.
        warnings.filterwarnings("ignore", "Unverified HTTPS request")
        # Not the base class, whose own client would ask the engine at once.
        self.api = _EngineApi(**options)
