"""JupyterLab in headless Chromium: runs a notebook as a person would, and checks its output."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
from selenium.common import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser import chromium

T = TypeVar("T")

PATIENCE = 120
"""Seconds for one step of the page on a busy machine; no wait is longer than necessary."""
WINDOW = (1300, 2000)
"""Tall enough for the whole notebook, because JupyterLab draws only visible cells."""

CELLS = (
    """import altair, matplotlib, numpy, pandas
table = pandas.DataFrame({"x": numpy.arange(50), "y": numpy.arange(50) ** 2})
print("sum", table.y.sum())""",
    """import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(5, 3))
axes.plot(table.x, table.y)
axes.set_title("matplotlib: 50 squares")
plt.show()""",
    # Altair's own renderers fetch Vega from the network; JupyterLab contains Vega.
    """VEGA = "application/vnd.vegalite.v5+json"
altair.renderers.register("jupyterlab-vega", lambda spec: {VEGA: spec})
altair.renderers.enable("jupyterlab-vega")
altair.Chart(table, title="altair: 50 squares").mark_point().encode(x="x", y="y")""",
)
PRINTED = "sum 40425"
NAME = "squares.ipynb"

NUMBERED = re.compile(r"\[\d+\]:")
"""Prompt of a cell that has finished."""
PROMPT = ".jp-CodeCell .jp-InputArea-prompt"
STDERR = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'
TEXT = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stdout"]'
PLOT = ".jp-RenderedImage img"
CHART = ".jp-RenderedVegaLite canvas"
IDLE = "//div[@id='jp-main-statusbar']//*[text()='Python 3 (ipykernel) | Idle']"
DISMISS = ".jp-Dialog button.jp-mod-reject"
PASSING = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
"""Errors of a page that changes."""
RUN_MENU = "//div[contains(@class, 'lm-MenuBar-itemLabel')][text()='Run']"
RUN_ALL = '.lm-Menu-item[data-command="runmenu:run-all"]'
NEW_TERMINAL = '.jp-LauncherCard[title="Start a new terminal session"]'
TERMINAL = ".jp-Terminal textarea"

NATURAL_SIZE = "return Math.min(arguments[0].naturalWidth, arguments[0].naturalHeight)"
COLOURS = """
const [element] = arguments, {width, height} = element;
const image = element.getContext("2d").getImageData(0, 0, width, height);
return new Set(new Uint32Array(image.data.buffer)).size;
"""
"""Number of colours on a canvas; an empty one has a single colour."""


def run_notebook(url: str, folder: Path) -> Path:
    """Run a notebook in the JupyterLab at ``url`` (with its token); return a screenshot's path.

    Asserts that no cell failed, that the text was printed, and that matplotlib and altair drew
    their plots. Writes the screenshot into ``folder`` even if an assertion fails.
    """
    picture = folder / "notebook.png"
    with _browser(folder) as browser:
        try:
            browser.get(upload(url, CELLS))
            run_cells(browser, len(CELLS))
            _assert_drawn(browser)
        finally:
            browser.save_screenshot(str(picture))
    return picture


def type_into_terminal(url: str, line: str, done: Callable[[], bool], folder: Path) -> None:
    """Type a line into a new terminal of the JupyterLab at ``url`` until ``done`` returns True.

    Types the line repeatedly, because a terminal ignores input before it is connected.
    """
    with _browser(folder) as browser:
        browser.get(f"{url}&reset")  # shows the launcher
        visible(browser, NEW_TERMINAL).click()
        wait(
            browser, lambda: browser.find_elements(By.CSS_SELECTOR, TERMINAL), "no terminal opened"
        )

        def typed() -> bool:
            browser.find_element(By.CSS_SELECTOR, TERMINAL).send_keys(f"{line}\n")
            return done()

        wait(browser, typed, f"the terminal did not run {line}")


def _browser(folder: Path) -> AbstractContextManager[Chrome]:
    """Start Chromium with a window that shows the whole notebook."""
    return chromium(folder, f"window-size={WINDOW[0]},{WINDOW[1]}")


def upload(url: str, cells: Sequence[str]) -> str:
    """Save a notebook on the server at ``url``; return the URL that opens it in JupyterLab."""
    parts = urlsplit(url)
    server, token = f"{parts.scheme}://{parts.netloc}", parse_qs(parts.query)["token"][0]
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    content = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [{**cell, "source": text} for text in cells],
    }
    httpx.put(
        f"{server}/api/contents/{NAME}",
        headers={"authorization": f"token {token}"},
        content=json.dumps({"type": "notebook", "format": "json", "content": content}),
        timeout=PATIENCE,
    ).raise_for_status()
    return f"{server}/lab/tree/{NAME}?token={token}"


def run_cells(browser: Chrome, number: int) -> list[str]:
    """Choose "Run All Cells" in the menu of the open notebook; return the printed texts.

    Waits until this number of cells has finished or one has failed.
    """
    visible(browser, IDLE, By.XPATH)
    _click(browser, RUN_MENU, By.XPATH)
    _click(browser, RUN_ALL)

    def has_ended() -> bool:
        numbered = [*filter(NUMBERED.fullmatch, _texts(browser, PROMPT))]
        return bool(_failures(browser)) or len(numbered) == number

    wait(browser, has_ended, "the cells did not finish")
    return _texts(browser, TEXT)


def _assert_drawn(browser: Chrome) -> None:
    assert not _failures(browser)
    assert PRINTED in _texts(browser, TEXT)
    plot, chart = visible(browser, PLOT), visible(browser, CHART)
    wait(
        browser,
        lambda: browser.execute_script(NATURAL_SIZE, plot) > 100,
        "matplotlib's plot is empty",
    )
    wait(browser, lambda: browser.execute_script(COLOURS, chart) > 10, "altair's chart is empty")


def _failures(browser: Chrome) -> list[str]:
    """Return the tracebacks; JupyterLab shows them, like warnings, as standard error."""
    return [text for text in _texts(browser, STDERR) if "Traceback" in text]


def _texts(browser: Chrome, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]


def _click(browser: Chrome, selector: str, by: str = By.CSS_SELECTOR) -> None:
    """Click an element, after closing the dialogs in front of it.

    Chromium interrupts requests while the engine adds or removes network interfaces, and JupyterLab
    on a hub then asks whether to restart the server.
    """

    def clicked() -> bool:
        for button in browser.find_elements(By.CSS_SELECTOR, DISMISS):
            button.click()
        visible(browser, selector, by).click()
        return True

    wait(browser, clicked, f"{selector} cannot be clicked")


def visible(browser: Chrome, selector: str, by: str = By.CSS_SELECTOR) -> WebElement:
    """Wait for a visible element; return the first one."""

    def find() -> WebElement | None:
        elements = browser.find_elements(by, selector)
        return next((element for element in elements if element.is_displayed()), None)

    element = wait(browser, find, f"the page never showed {selector}")
    assert element is not None
    return element


def wait(browser: Chrome, condition: Callable[[], T], failure: str) -> T:
    """Wait until ``condition`` returns a true value, and return it; fail with ``failure``."""
    waiting = WebDriverWait(browser, PATIENCE, ignored_exceptions=PASSING)
    return waiting.until(lambda _: condition(), failure)
