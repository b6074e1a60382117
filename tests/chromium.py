"""Debian's Chromium for the tests that look at pages, one for each module."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Playwright

__all__ = ["CHROMIUM", "FLAGS", "chromium", "driver", "launched", "module_chromium"]

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def driver() -> Iterator[Playwright]:
    """Run Playwright; without it or a browser the test fails and says what to install.

    While it runs, this thread counts as async: no test of the module may use Django's database.
    """
    if sync_playwright is None:
        pytest.fail("No playwright: pip install -r requirements/browser.txt")
    if not Path(CHROMIUM).exists():
        pytest.fail(f"No browser at {CHROMIUM}: apt-get install chromium, or set CHROMIUM.")
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)
        yield playwright


@contextmanager
def launched() -> Iterator[Browser]:
    """Run Chromium while the block lasts."""
    with driver() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with closing(browser):
            yield browser


@pytest.fixture(scope="module")
def module_chromium() -> Iterator[Browser]:
    """Run one Chromium for the tests of a module: each start takes a processor most of a second."""
    with launched() as browser:
        yield browser


@pytest.fixture
def chromium(module_chromium: Browser) -> Iterator[Browser]:
    """Give a test that Chromium; the profiles that it opens there are closed with it."""
    yield module_chromium
    for context in module_chromium.contexts:
        context.close()
