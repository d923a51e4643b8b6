"""Headless Chromium for tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from selenium.common import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

BROWSER = "chromium"
DRIVER = "chromedriver"
SWITCHES = (
    "headless",
    "no-sandbox",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-dev-shm-usage",
    "disable-gpu",
    "disable-quic",
    "disable-sync",
)


def problem() -> str:
    """Return the reason why the browser does not start, or an empty string."""
    missing = [name for name in (BROWSER, DRIVER) if not shutil.which(name)]
    if missing:
        return f"{' and '.join(missing)} not found on PATH"
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            with chromium(Path(folder)):
                return ""
        except WebDriverException as error:
            return str(error.msg).splitlines()[0]


@contextmanager
def chromium(folder: Path, *switches: str, log: bool = False) -> Iterator[Chrome]:
    """Start Chromium with a new profile in ``folder``, and quit it at the end.

    With ``log``, the driver collects the messages of the page's console.
    """
    options = ChromeOptions()
    # Without both paths Selenium would download a browser or a driver.
    options.binary_location = shutil.which(BROWSER) or ""
    for switch in (*SWITCHES, f"user-data-dir={mkdtemp(dir=folder)}", *switches):
        options.add_argument(f"--{switch}")
    if log:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options, ChromeService(shutil.which(DRIVER)))
    try:
        yield browser
    finally:
        browser.quit()
