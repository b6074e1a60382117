"""What the tests do in a browser, in the words of somebody who sits at it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

try:
    from playwright.sync_api import Error, expect, sync_playwright
except ModuleNotFoundError:  # other tests run without; here, the fixture `chromium` fails
    Error = expect = sync_playwright = None  # type: ignore[assignment]  # checked before they are used

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.demo.server import Demo

    OpenPage = Callable[..., Page]

__all__ = [
    "Error",
    "an_hour_passes",
    "cookies",
    "expect",
    "loaded",
    "log_in",
    "newest_session",
    "press",
    "requests",
    "revoke_in_admin",
    "second_tab",
    "sync_playwright",
]


def log_in(page: Page, device: str = "") -> None:
    """Log in as demo through the form and wait for what it loads."""
    form = page.locator("#login-form")
    form.get_by_label("Username").fill("demo")
    form.get_by_label("Password").fill("demo")
    form.get_by_label("Name of this device").fill(device)
    form.get_by_role("button", name="Log in").click()
    loaded(page)


def loaded(page: Page) -> None:
    """Wait until the page shows a session and has nothing more to ask."""
    expect(page.locator("dd[data-profile=username]")).to_have_text("demo")
    expect(page.locator("#devices li.current")).to_have_count(1)
    expect(page.locator("[data-protocol=rotations]")).not_to_be_empty()


def press(page: Page, name: str) -> None:
    """Press the button of that name and wait until what it started is done."""
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def requests(page: Page) -> list[str]:
    """Return the requests that the page says were made, oldest first."""
    entries = page.locator("#exchanges li").all_text_contents()
    return [entry.strip() for entry in reversed(entries)]


def second_tab(page: Page) -> Page:
    """Open the page once more by its own link, and wait for what it loads."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open a second tab").click()
    loaded(opened.value)
    return opened.value


def an_hour_passes(demo: Demo, *columns: str) -> None:
    """Move these times of every session in the database back by an hour."""
    moved = ", ".join(f"{name} = datetime({name}, '-1 hour')" for name in columns)
    with closing(sqlite3.connect(demo.database, timeout=20)) as connection, connection:
        connection.execute(f"UPDATE tokenauth_authsession SET {moved}")  # noqa: S608 - names of columns


def newest_session(demo: Demo, *columns: str) -> tuple[Any, ...]:
    """Return these columns of the session that began last."""
    statement = f"SELECT {', '.join(columns)} FROM tokenauth_authsession ORDER BY id DESC LIMIT 1"  # noqa: S608 - as above
    with closing(sqlite3.connect(demo.database, timeout=20)) as connection:
        row: tuple[Any, ...] = connection.execute(statement).fetchone()
    return row


def cookies(context: BrowserContext) -> dict[str, bool]:
    """Return whether each cookie of the browser is HttpOnly, by name; without the device's."""
    kept = [cookie for cookie in context.cookies() if not cookie["name"].endswith("-device")]
    return {cookie["name"]: cookie["httpOnly"] for cookie in kept}


def revoke_in_admin(browser: Browser, address: str) -> None:
    """Log in to the admin in a profile of its own and revoke the session of that address."""
    page = browser.new_context().new_page()
    page.goto(address)
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("admin")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Revoke", exact=True).click()
    page.get_by_role("button", name="Yes, revoke").click()
    expect(page.get_by_text("1 session was revoked")).to_be_visible()
