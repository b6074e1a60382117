"""``python -m tests.demo.screenshots``: the pictures of the demo's page."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from tests.chromium import CHROMIUM, FLAGS
from tests.demo.browser import an_hour_passes, log_in, press, second_tab
from tests.demo.server import Demo
from tests.pictures import IMAGES, take

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def open_page(browser: Browser, address: str, device: str, **profile: object) -> Page:
    """Log in from a profile of its own; the pictures are a little smaller than the page."""
    page = browser.new_context(device_scale_factor=0.8, **profile).new_page()  # type: ignore[arg-type]  # of Playwright
    page.goto(address)
    log_in(page, device)
    return page


def prepared(demo: Demo, browser: Browser, address: str, scheme: str) -> Page:
    """Two tabs, two devices, and a lost response."""
    page = open_page(browser, address, "Work laptop", color_scheme=scheme)
    an_hour_passes(demo, "rotated_at")
    second_tab(page)
    an_hour_passes(demo, "rotated_at", "auth_time")
    press(page, "Lose the next response")
    expect(page.locator("#story li")).to_have_count(3)
    return page


def shown(page: Page, name: str, *, end: bool = False) -> None:
    """Take the upper or the lower part of the page."""
    page.set_viewport_size({"width": 1280, "height": 1100})
    page.evaluate(f"document.activeElement.blur(); scrollTo(0, {'1e6' if end else '0'})")
    page.mouse.move(0, 0)
    take(page, name, 1100)


def main() -> None:
    """Serve a demo and take the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        demo = Demo(Path(directory))
        demo.install()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with demo.serve() as address, closing(browser):
            phone = open_page(browser, address, "My phone", user_agent=IPHONE)
            take(phone, "demo-narrow", 844, width=390)
            light = prepared(demo, browser, address, "light")
            shown(light, "demo-wide")
            light.get_by_role("button", name="Log out").click()
            dark = prepared(demo, browser, address, "dark")
            shown(dark, "demo-dark", end=True)


if __name__ == "__main__":
    main()
