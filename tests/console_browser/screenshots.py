"""``python -m tests.console_browser.screenshots``: the images of docs/admin.md."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.chromium import CHROMIUM, FLAGS
from tests.console_browser.server import Console
from tests.console_browser.staff import (
    OVERVIEW,
    REVOKE_MANY,
    SESSIONS,
    USERS,
    Desk,
    open_session,
)
from tests.pictures import IMAGES, take

NOW = "2026-03-12T14:30:00+00:00"


def tour(page: Page) -> None:
    """Go through the console as a person on the telephone would."""
    page.evaluate("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
    page.goto(SESSIONS)
    take(page, "list", 760)
    page.goto(f"{SESSIONS}?suspicious=any")
    take(page, "filters", 620)
    open_session(page, "ada", "Work laptop")
    take(page, "session", 860)
    page.evaluate("document.querySelector('#timeline').scrollIntoView()")
    take(page, "timeline", 760)
    open_session(page, "radia", "Phone 3")
    page.get_by_role("link", name="Revoke", exact=True).click()
    take(page, "revoke", 620)
    page.goto(REVOKE_MANY)
    page.get_by_label("from one address or network").check()
    page.get_by_label("Address or network").last.fill("192.0.2.16/28")
    page.get_by_role("button", name="Continue").click()
    take(page, "revoke-many", 900)
    page.goto(f"{USERS}?q=grace")
    page.get_by_role("link", name="grace", exact=True).click()
    page.locator("#tokenauth-sessions").screenshot(path=IMAGES / "user.png")


def main() -> None:
    """Seed a project, serve it, and take the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        console = Console(Path(directory), CONSOLE_NOW=NOW)
        console.install()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with console.serve() as address, closing(browser):
            tour(Desk(browser, address).log_in("root"))
            for scheme in ("light", "dark"):
                page = Desk(browser, address, color_scheme=scheme).log_in("root")
                page.evaluate("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
                page.goto(f"{OVERVIEW}?period=30d")
                take(page, f"overview-{scheme}", 1250)


if __name__ == "__main__":
    main()
