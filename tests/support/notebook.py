"""Drives JupyterLab in headless Chromium as a person would: opens it, runs a notebook, looks at what is drawn."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
from selenium.common import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser import chromium

T = TypeVar("T")

PATIENCE = 120
"""Seconds for one step of the page on a busy machine; each wait ends as soon as there is what it waits for."""
WINDOW = (1300, 2000)
"""Tall enough for the whole notebook, for JupyterLab draws only what is in sight."""

CELLS = (
    """import altair, matplotlib, numpy, pandas
table = pandas.DataFrame({"x": numpy.arange(50), "y": numpy.arange(50) ** 2})
print("sum", table.y.sum())""",
    """import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(5, 3))
axes.plot(table.x, table.y)
axes.set_title("matplotlib: 50 squares")
plt.show()""",
    # Altair's own renderers fetch Vega from the network; JupyterLab's draws with the Vega that it brings along.
    """altair.renderers.register("jupyterlab-vega", lambda spec: {"application/vnd.vegalite.v5+json": spec})
altair.renderers.enable("jupyterlab-vega")
altair.Chart(table, title="altair: 50 squares").mark_point().encode(x="x", y="y")""",
)
PRINTED = "sum 40425"
NAME = "squares.ipynb"

NUMBERED = re.compile(r"\[\d+\]:")
"""The prompt of a cell that has run to its end."""
PROMPT = ".jp-CodeCell .jp-InputArea-prompt"
STDERR = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'
TEXT = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stdout"]'
PLOT = ".jp-RenderedImage img"
CHART = ".jp-RenderedVegaLite canvas"
IDLE = "//div[@id='jp-main-statusbar']//*[text()='Python 3 (ipykernel) | Idle']"
RUN_MENU = "//div[contains(@class, 'lm-MenuBar-itemLabel')][text()='Run']"
RUN_ALL = '.lm-Menu-item[data-command="runmenu:run-all"]'
NEW_TERMINAL = '.jp-LauncherCard[title="Start a new terminal session"]'
TERMINAL = ".jp-Terminal textarea"

NATURAL_SIZE = "return Math.min(arguments[0].naturalWidth, arguments[0].naturalHeight)"
COLOURS = """
const [element] = arguments, {width, height} = element;
const pixels = new Uint32Array(element.getContext("2d").getImageData(0, 0, width, height).data.buffer);
return new Set(pixels).size;
"""
"""How many colours are on a canvas: one where nothing was drawn."""


def run_notebook(url: str, folder: Path) -> Path:
    """Run a notebook in the JupyterLab at ``url`` (with its token) and give the path of a screenshot.

    Asserts that nothing failed, that what was printed is there, and that the plot of matplotlib and the chart of
    altair are drawn. The screenshot goes into ``folder`` also where that is not so.
    """
    picture = folder / "notebook.png"
    with _browser(folder) as browser:
        try:
            browser.get(_upload(url))
            _run_all(browser)
            _assert_drawn(browser)
        finally:
            browser.save_screenshot(str(picture))
    return picture


def type_into_terminal(url: str, line: str, done: Callable[[], bool], folder: Path) -> None:
    """Type a line into a new terminal of the JupyterLab at ``url`` until ``done`` says that it has run.

    It is typed again while it has not, for a terminal drops what comes before it is connected.
    """
    with _browser(folder) as browser:
        browser.get(f"{url}&reset")  # to the launcher, whatever was open before
        _seen(browser, NEW_TERMINAL).click()
        _wait(
            browser, lambda: browser.find_elements(By.CSS_SELECTOR, TERMINAL), "no terminal opened"
        )

        def typed() -> bool:
            browser.find_element(By.CSS_SELECTOR, TERMINAL).send_keys(f"{line}\n")
            return done()

        _wait(browser, typed, f"the terminal did not run {line}")


def _browser(folder: Path) -> AbstractContextManager[Chrome]:
    """Start Chromium with a window that shows the whole notebook."""
    return chromium(folder, f"window-size={WINDOW[0]},{WINDOW[1]}")


def _upload(url: str) -> str:
    """Save the notebook on the server; gives the address that opens it in JupyterLab."""
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
        "cells": [{**cell, "source": text} for text in CELLS],
    }
    httpx.put(
        f"{server}/api/contents/{NAME}",
        headers={"authorization": f"token {token}"},
        content=json.dumps({"type": "notebook", "format": "json", "content": content}),
    ).raise_for_status()
    return f"{server}/lab/tree/{NAME}?token={token}"


def _run_all(browser: Chrome) -> None:
    """Choose Run, Run All Cells in the menu, and wait until each cell has a number or one has failed."""
    _seen(browser, IDLE, By.XPATH)
    _seen(browser, RUN_MENU, By.XPATH).click()
    _seen(browser, RUN_ALL).click()

    def ended() -> bool:
        numbered = [*filter(NUMBERED.fullmatch, _texts(browser, PROMPT))]
        return bool(_failures(browser)) or len(numbered) == len(CELLS)

    _wait(browser, ended, "the cells did not run to their end")


def _assert_drawn(browser: Chrome) -> None:
    assert not _failures(browser)
    assert PRINTED in _texts(browser, TEXT)
    plot, chart = _seen(browser, PLOT), _seen(browser, CHART)
    _wait(
        browser,
        lambda: browser.execute_script(NATURAL_SIZE, plot) > 100,
        "matplotlib's plot is empty",
    )
    _wait(browser, lambda: browser.execute_script(COLOURS, chart) > 10, "altair's chart is empty")


def _failures(browser: Chrome) -> list[str]:
    """The tracebacks; JupyterLab shows them, like warnings, as standard error."""
    return [text for text in _texts(browser, STDERR) if "Traceback" in text]


def _texts(browser: Chrome, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]


def _seen(browser: Chrome, selector: str, by: str = By.CSS_SELECTOR) -> WebElement:
    """The first element that is in sight, once there is one."""

    def found() -> WebElement | None:
        return next(
            (element for element in browser.find_elements(by, selector) if element.is_displayed()),
            None,
        )

    element = _wait(browser, found, f"the page never showed {selector}")
    assert element is not None
    return element


def _wait(browser: Chrome, condition: Callable[[], T], failure: str) -> T:
    """What ``condition`` gives, once it is true; a TimeoutException says ``failure``."""
    waiting = WebDriverWait(browser, PATIENCE, ignored_exceptions=(StaleElementReferenceException,))
    return waiting.until(lambda _: condition(), failure)
