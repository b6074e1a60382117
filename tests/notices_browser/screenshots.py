"""``python -m tests.notices_browser.screenshots``: the images of docs/notices.md."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.chromium import CHROMIUM, FLAGS
from tests.notices_browser.post import Mail, Site
from tests.pictures import IMAGES, take

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTH = 700


def opened(browser: Browser, address: str, scheme: str = "light") -> Page:
    """Return a page in a profile of its own."""
    context = browser.new_context(base_url=address, color_scheme=scheme)  # type: ignore[arg-type]  # of Playwright
    return context.new_page()


def whole(page: Page, name: str, width: int = WIDTH) -> None:
    """Take all of a page, as high as it is."""
    page.set_viewport_size({"width": width, "height": 100})
    take(page, name, page.evaluate("document.documentElement.scrollHeight"), width)


def show_mail(browser: Browser, mail: Mail, name: str, scheme: str = "light") -> None:
    """Take what a mail program shows."""
    page = opened(browser, "", scheme)
    page.set_content(mail.html)
    whole(page, name)


def main() -> None:
    """Serve a site, sign in, and take what its user then sees."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        site = Site(Path(directory))
        site.install()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with site.serve() as address, closing(browser):
            english, german = site.new_device(address), site.new_device(address, "de")
            show_mail(browser, english, "email-en")
            show_mail(browser, german, "email-de")
            show_mail(browser, site.reuse(address), "email-dark", "dark")
            for mail, name in ((english, "end-session-en"), (german, "end-session-de")):
                page = opened(browser, address)
                page.goto(mail.path)
                whole(page, name)
            page = opened(browser, address, "dark")
            page.goto(english.path)
            page.get_by_role("button", name="End this session").click()
            page.get_by_role("heading", name="The session is ended").wait_for()
            whole(page, "end-session-dark", 390)


if __name__ == "__main__":
    main()
