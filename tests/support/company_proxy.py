"""A company's proxy: mitmproxy, which reads encrypted traffic and wants a password."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from resolvers import uv_program
from tests.support.paths import TESTS
from tests.support.ports import free_port

VERSION = "11.0.2"
"""It runs in an environment of its own: its requirements exclude those of Orbiter."""
USER, PASSWORD = "ada", "s3cr3t-pr0xy"
SCRIPT = TESTS / "support" / "proxy_script.py"
ATTEMPTS = 600
PROFILE = """
[network]
proxy = "{proxy}"
ca-bundle = "{certificate}"

[network.mirrors]
pip = "https://pypi.corp.invalid/simple"
npm = "https://npm.corp.invalid"
conda = "https://conda.corp.invalid"
"""
"""A network profile for the proxy; the table of mirrors is the last one, so others can follow."""


class CompanyProxy:
    """A running proxy; ``url`` has its user and password, ``certificate`` is that of its own CA."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.host = f"{host}:{port}"
        self.url = f"http://{USER}:{PASSWORD}@{self.host}"
        self.certificate = folder / "mitmproxy-ca-cert.pem"
        self.log = folder / "log"
        self.routes = folder / "routes.json"

    def route(self, routes: Mapping[str, tuple[str, str]]) -> None:
        """Set the server of each host: its address, and the start of paths to leave out."""
        self.routes.write_text(json.dumps(routes), "utf-8")

    def requests(self) -> list[str]:
        """Return all requests so far: ``<host><path>``."""
        return self.log.read_text("utf-8").splitlines()

    def hosts(self) -> set[str]:
        return {line.partition("/")[0] for line in self.requests()}


@contextmanager
def company_proxy(folder: Path, host: str = "127.0.0.1") -> Iterator[CompanyProxy]:
    """Run a proxy with its files in a folder until the block ends."""
    proxy = CompanyProxy(folder, host, free_port(host))
    proxy.route({})
    proxy.log.touch()
    process = subprocess.Popen(
        _command(folder, host, proxy),
        env={**os.environ, "PROXY_LOG": str(proxy.log), "PROXY_ROUTES": str(proxy.routes)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait(process, proxy)
        yield proxy
    finally:
        process.terminate()
        process.wait()


def _command(folder: Path, host: str, proxy: CompanyProxy) -> list[str | Path]:
    python = uv_program.tool_python("mitmproxy", VERSION, lambda _line: None)
    options = [
        "connection_strategy=lazy",  # the hosts of the tests have no address
        "upstream_cert=false",
        f"confdir={folder}",
        f"proxyauth={USER}:{PASSWORD}",
        f"listen_host={host}",
        f"listen_port={proxy.host.rpartition(':')[2]}",
    ]
    if trusted := os.environ.get("SSL_CERT_FILE"):
        options.append(f"ssl_verify_upstream_trusted_ca={trusted}")
    words = [word for option in options for word in ("--set", option)]
    return [Path(python).with_name("mitmdump"), "--quiet", "--scripts", SCRIPT, *words]


def _wait(process: "subprocess.Popen[bytes]", proxy: CompanyProxy) -> None:
    host, _, port = proxy.host.rpartition(":")
    for _ in range(ATTEMPTS):
        assert process.poll() is None, "mitmproxy has ended"
        with closing(socket.socket()) as probe:
            if proxy.certificate.exists() and probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("mitmproxy does not listen")
