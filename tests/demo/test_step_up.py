"""The sensitive action of the demo's page: the password is asked for when the server wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import an_hour_passes, expect, log_in, press, requests

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.demo.browser import OpenPage
    from tests.demo.server import Demo

pytestmark = pytest.mark.browser


def change_email(page: Page, email: str) -> None:
    """Ask for another e-mail address."""
    page.get_by_label("New e-mail address").fill(email)
    page.get_by_role("button", name="Change it").click()


def with_an_old_proof(demo: Demo, page: Page) -> None:
    """Log in, and let the session be one whose password was given an hour ago."""
    log_in(page)
    an_hour_passes(demo, "auth_time")
    press(page, "Renew now")
    expect(page.locator("#proved")).to_have_text("1 hour ago")


class TestEmail:
    def test_recent_password_is_enough(self, address: str, open_page: OpenPage) -> None:
        """Just after the login nothing is asked, and the new address is shown."""
        page = open_page(address)
        log_in(page)
        change_email(page, "recent@example.com")
        expect(page.locator("dd[data-profile=email]")).to_have_text("recent@example.com")
        expect(page.get_by_role("dialog")).to_be_hidden()

    def test_old_password_is_asked_for_again(
        self, demo: Demo, address: str, open_page: OpenPage
    ) -> None:
        """An hour later the page asks, by keyboard alone, and does what was refused."""
        page = open_page(address)
        with_an_old_proof(demo, page)
        change_email(page, "later@example.com")
        expect(page.get_by_role("dialog", name="Is it still you?")).to_be_visible()
        expect(page.get_by_role("dialog").get_by_label("Password")).to_be_focused()
        page.keyboard.type("demo")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_have_text(
            "Your e-mail address is now later@example.com."
        )
        expect(page.get_by_role("button", name="Change it")).to_be_focused()
        expect(page.locator("#proved")).to_contain_text("now")
        assert requests(page)[-2:] == [
            "POST /auth/reauthenticate/ 200",
            "PUT /api/email/ 200",
        ]

    def test_wrong_password_is_asked_for_again(
        self, demo: Demo, address: str, open_page: OpenPage
    ) -> None:
        """The dialog says that it was wrong, and stays."""
        page = open_page(address)
        with_an_old_proof(demo, page)
        change_email(page, "wrong@example.com")
        expect(page.get_by_role("dialog").get_by_label("Password")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text(
            "That is not your password."
        )
        expect(page.get_by_role("dialog").get_by_label("Password")).to_be_focused()

    def test_cancelled_changes_nothing(self, demo: Demo, address: str, open_page: OpenPage) -> None:
        """Escape closes the dialog; the page says that nothing was changed."""
        page = open_page(address)
        with_an_old_proof(demo, page)
        change_email(page, "cancelled@example.com")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#alert")).to_contain_text("Nothing was changed")
        expect(page.get_by_role("button", name="Change it")).to_be_focused()
        press(page, "Load profile")
        expect(page.locator("dd[data-profile=email]")).not_to_have_text("cancelled@example.com")

    def test_refused_address_is_explained(self, address: str, open_page: OpenPage) -> None:
        """What the server finds wrong with the address is said in its words."""
        page = open_page(address)
        log_in(page)
        change_email(page, "demo@demo")
        expect(page.locator("#alert")).to_have_text("Enter a valid email address.")
