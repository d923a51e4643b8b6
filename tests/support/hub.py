"""A real JupyterHub with DockerSpawner, which runs the configuration of the documentation."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from time import sleep
from typing import NamedTuple

import httpx
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.support.notebook import visible, wait
from tests.support.paths import ROOT
from tests.support.ports import free_port

PAGE = ROOT / "docs/how-to/jupyterhub.md"
BLOCK = re.compile(r"^ *```python\n( *c = get_config\(\)\n.*?)^ *```$", re.MULTILINE | re.DOTALL)
IMAGE = "registry.example.org/notebooks:debian-base-0.1.0@sha256:…"
BRIDGE = "172.17.0.1"
CONFIG = """
c = get_config()
load_subconfig("documented.py")
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.bind_url = "{url}"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.Spawner.http_timeout = c.Spawner.start_timeout = 300
"""
"""The values of a test: anybody may log in, all ports are free, and machines may be busy."""
ATTEMPTS = 1500


class Hub(NamedTuple):
    url: str
    bridge: str
    """The address of this machine for containers."""


@contextmanager
def running_hub(folder: Path, image: str, bridge: str) -> Iterator[Hub]:
    """Start a hub whose containers run an image; yield it, and stop it with its containers."""
    programs = _install(folder)
    public, hub, api = (free_port() for _ in range(3))
    url = f"http://127.0.0.1:{public}"
    documented = _documented().replace(IMAGE, image).replace(BRIDGE, bridge)
    (folder / "documented.py").write_text(documented, encoding="utf-8")
    config = folder / "jupyterhub_config.py"
    config.write_text(CONFIG.format(url=url, hub=hub, api=api), encoding="utf-8")
    log = folder / "hub.log"
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    with (
        log.open("w") as output,
        subprocess.Popen(
            [programs[0] / "jupyterhub"],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            _wait_for(f"{url}/hub/health", process, log)
            yield Hub(url, bridge)
        finally:
            process.terminate()  # it stops its servers and its proxy too


def log_in(browser: Chrome, user: str) -> None:
    """Fill in the login page of the hub."""
    visible(browser, "#username_input").send_keys(user)
    browser.find_element(By.ID, "password_input").send_keys("any")
    browser.find_element(By.ID, "login_submit").click()


def stop_server(browser: Chrome, hub: Hub) -> None:
    """Stop the server of the user who is logged in; the hub removes its container later."""
    browser.get(f"{hub.url}/hub/home")
    stop, start = visible(browser, "#stop"), browser.find_element(By.ID, "start")

    def is_stopping() -> bool:
        if start.get_attribute("disabled") or not stop.is_displayed():
            return True
        stop.click()  # has no effect until the page has loaded its script
        return False

    wait(browser, is_stopping, "the hub did not stop the server")


def _documented() -> str:
    """Return the configuration on the page about JupyterHub."""
    (block,) = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    text = dedent(block)
    assert text.count(IMAGE) == text.count(BRIDGE) == 1
    return text


def _install(folder: Path) -> tuple[Path, Path]:
    """Install the hub and its proxy; return the folders of their programs."""
    uv = str(Path(sys.executable).with_name("uv"))
    pip = [uv, "pip", "install", "-q", "-p", "env/bin/python", "jupyterhub", "dockerspawner"]
    npm = ["npm", "install", "--silent", "--prefix", ".", "configurable-http-proxy"]
    for command in ([uv, "venv", "-q", "env", "-p", sys.executable], pip, npm):
        subprocess.run(command, cwd=folder, check=True)
    return folder / "env/bin", folder / "node_modules/.bin"


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the hub answers."""
    for _ in range(ATTEMPTS):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        sleep(0.2)
    raise AssertionError(log.read_text())
