"""The e-mail and the page behind its link, in a real browser: read, asked, done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.axe import violations
from tests.console_browser.staff import Desk
from tests.demo.browser import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.notices_browser.post import Site

pytestmark = pytest.mark.browser

WIDTHS = (1200, 320)
NOT_FOUND = "status of 404"


def both_widths(page: Page) -> list[str]:
    """Return what axe finds on a desk and on a phone, and whether the page fits."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width}: {fault}" for fault in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{width}: {page.url} is cut off")
    return found


def heading(page: Page, text: str) -> None:
    """Wait for a page that says so."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


class TestPage:
    def test_asks_and_ends(self, site: Site, address: str, chromium: Browser) -> None:
        """Without JavaScript and without a cookie: the link asks, a click ends, once."""
        mail = site.new_device(address)
        desk = Desk(chromium, address, java_script_enabled=False)
        desk.page.goto(mail.path)
        heading(desk.page, "Is this session not yours?")
        desk.page.get_by_role("button", name="End this session").click()
        heading(desk.page, "The session is ended")
        desk.page.goto(mail.path)
        heading(desk.page, "This session had already ended")
        desk.page.get_by_role("button", name="End all my sessions").click()
        heading(desk.page, "All your sessions are ended")
        assert desk.context.cookies() == []
        assert desk.faults == []

    def test_is_in_the_language_of_the_email(
        self, site: Site, address: str, chromium: Browser
    ) -> None:
        """A German e-mail leads to a German page, whatever the browser speaks."""
        mail = site.new_device(address, "de")
        desk = Desk(chromium, address, locale="en-GB")
        desk.page.goto(mail.path)
        heading(desk.page, "Ist diese Sitzung nicht Ihre?")
        assert mail.subject == "Neue Anmeldung bei Ihrem Konto auf example.com"

    def test_can_be_used_by_the_keyboard(self, site: Site, address: str, chromium: Browser) -> None:
        """The first button that is reached is the one for this session alone."""
        page = Desk(chromium, address).page
        page.goto(site.new_device(address).path)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="End this session")).to_be_focused()
        page.keyboard.press("Enter")
        heading(page, "The session is ended")

    def test_is_shown_in_no_frame(self, site: Site, address: str, chromium: Browser) -> None:
        """No page can have a click meant for something else end a session."""
        page = Desk(chromium, address).page
        path = site.new_device(address).path
        with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            page.set_content(f'<iframe src="{address}{path}"></iframe>')


class TestAxe:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_finds_nothing_on_the_pages(
        self, site: Site, address: str, chromium: Browser, scheme: str
    ) -> None:
        """WCAG 2.1 A and AA, contrast included, on each page, wide and narrow."""
        desk = Desk(chromium, address, color_scheme=scheme)
        page, mail = desk.page, site.new_device(address)
        page.goto(mail.path)
        found = both_widths(page)
        page.get_by_role("button", name="End this session").click()
        heading(page, "The session is ended")
        found += both_widths(page)
        page.get_by_role("button", name="End all my sessions").click()
        heading(page, "All your sessions are ended")
        found += both_widths(page)
        page.goto("/auth/end-session/x/")
        heading(page, "This link does not work")
        found += both_widths(page)
        assert found == []
        assert [fault for fault in desk.faults if NOT_FOUND not in fault] == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("kind", ["new_device", "reuse"])
    def test_finds_nothing_in_the_emails(
        self, site: Site, address: str, chromium: Browser, scheme: str, kind: str
    ) -> None:
        """In a mail program that shows HTML as browsers do, which asks nobody for anything."""
        mail = site.new_device(address) if kind == "new_device" else site.reuse(address)
        desk = Desk(chromium, address, color_scheme=scheme)
        requests: list[str] = []
        desk.page.on("request", lambda request: requests.append(request.url))
        desk.page.set_content(mail.html)
        assert both_widths(desk.page) == []
        assert (requests, desk.faults) == ([], [])

    def test_would_find_one(self, site: Site, address: str, chromium: Browser) -> None:
        """A text that is hard to read is found: the tests above can fail."""
        page = Desk(chromium, address).page
        page.goto(site.new_device(address).path)
        page.evaluate("document.querySelector('h1').style.color = '#ddd'")
        assert any("color-contrast" in fault for fault in both_widths(page))
