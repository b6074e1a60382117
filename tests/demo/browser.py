"""What the tests do in a browser, in the words of somebody who sits at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from playwright.sync_api import Error, expect, sync_playwright
except ModuleNotFoundError:  # other tests run without; here, the fixture `chromium` fails
    Error = expect = sync_playwright = None  # type: ignore[assignment]  # checked before they are used

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, BrowserContext, Page

    OpenPage = Callable[..., Page]

__all__ = [
    "Error",
    "cookies",
    "expect",
    "log_in",
    "press",
    "requests",
    "revoke_in_admin",
    "sync_playwright",
]


def log_in(page: Page, device: str = "") -> None:
    """Log in as demo through the form and wait for what it loads."""
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill("demo")
    page.get_by_label("Name of this device").fill(device)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("dd[data-profile=username]")).to_have_text("demo")
    expect(page.locator("#sessions li.current")).to_have_count(1)


def press(page: Page, name: str) -> None:
    """Press the button of that name and wait until what it started is done."""
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def requests(page: Page) -> list[str]:
    """Return the requests that the page says it made, oldest first."""
    return page.locator("#exchanges li").all_text_contents()[::-1]


def cookies(context: BrowserContext) -> dict[str, bool]:
    """Return whether each cookie of the browser is HttpOnly, by name."""
    return {cookie["name"]: cookie["httpOnly"] for cookie in context.cookies()}


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
