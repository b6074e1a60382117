"""The demo installed and served, and a browser to look at it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.demo.server import Demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

    from tests.demo.browser import OpenPage

# The browser reports every answer above 399; for these the page has an answer of its own.
EXPECTED = re.compile(
    r"Failed to load resource: .*(status of (400|401|504)|ERR_INTERNET_DISCONNECTED)"
)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Return an installed demo: migrated, with its two users."""
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.install()
    return demo


@pytest.fixture(scope="session")
def address(demo: Demo) -> Iterator[str]:
    """Run the demo's server and return its address."""
    with demo.serve() as address:
        yield address


@pytest.fixture(scope="session")
def impatient_address(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server on the same database whose access tokens are good for two seconds."""
    impatient = Demo(
        tmp_path_factory.mktemp("impatient"),
        DATABASE_URL=demo.environment["DATABASE_URL"],
        ACCESS_TOKEN_SECONDS="2",
    )
    with impatient.serve() as address:
        yield address


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Return a function that opens the page in a browser profile of its own.

    Afterwards, none of the pages may have logged an error, the breaches of its policy included, or
    have asked another host for anything.
    """
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def opened(address: str, width: int = 1200, **profile: Any) -> Page:
        viewport: ViewportSize = {"width": width, "height": 800}
        context = chromium.new_context(viewport=viewport, **profile)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", note)
        context.on(
            "request",
            lambda request: (
                None if request.url.startswith(f"{address}/") else errors.append(request.url)
            ),
        )
        page = context.new_page()
        page.goto(f"{address}/")
        return page

    yield opened
    assert [error for error in errors if not EXPECTED.match(error)] == []
