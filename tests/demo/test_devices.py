"""The list of sessions of the demo's page: named, revoked one by one, or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import cookies, expect, log_in, press, requests, revoke_in_admin

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.demo.browser import OpenPage

pytestmark = pytest.mark.browser


class TestRename:
    def test_name_of_the_device_is_text(self, address: str, open_page: OpenPage) -> None:
        """A new name is stored and shown as it was typed, markup included."""
        page = open_page(address)
        log_in(page, device="Laptop")
        mine = page.locator("#devices li.current")
        mine.get_by_role("button", name="Rename").click()
        mine.get_by_label("New name").fill("<img src=x onerror=alert(1)>")
        page.keyboard.press("Enter")
        expect(mine.locator("strong")).to_have_text("<img src=x onerror=alert(1)>")
        assert page.locator("#devices img").count() == 0
        expect(mine.get_by_role("button", name="Rename")).to_be_focused()

    def test_escape_changes_nothing(self, address: str, open_page: OpenPage) -> None:
        """Escape closes the form and gives the focus back to where it came from."""
        page = open_page(address)
        log_in(page, device="Laptop")
        mine = page.locator("#devices li.current")
        mine.get_by_role("button", name="Rename").click()
        expect(mine.get_by_label("New name")).to_be_focused()
        page.keyboard.type("Something else")
        page.keyboard.press("Escape")
        expect(mine.get_by_role("button", name="Rename")).to_be_focused()
        expect(mine.locator("strong")).to_have_text("Laptop")


class TestRevoke:
    def test_another_session_is_revoked(self, address: str, open_page: OpenPage) -> None:
        """Revoked from the laptop, the phone is out at its next request and says why."""
        laptop, phone = open_page(address), open_page(address)
        log_in(phone, device="Phone")
        log_in(laptop, device="Laptop")
        press(laptop, "Revoke Phone")
        expect(laptop.locator("#status")).to_have_text("Revoked: Phone.")
        press(phone, "Load profile")
        expect(phone.locator("#alert")).to_contain_text("was revoked")
        expect(phone.get_by_label("Username")).to_be_visible()

    def test_others_are_signed_out(self, address: str, open_page: OpenPage) -> None:
        """Signing out of the others leaves exactly the session that asked."""
        laptop, phone = open_page(address), open_page(address)
        log_in(phone)
        log_in(laptop)
        press(laptop, "Sign out of the others")
        expect(laptop.locator("#status")).to_contain_text("Signed out of")
        expect(laptop.locator("#devices li")).to_have_count(1)
        press(phone, "Load profile")
        expect(phone.get_by_label("Username")).to_be_visible()

    @pytest.mark.parametrize(
        ("button", "said"),
        [
            ("Sign out everywhere", "You are signed out everywhere."),
            ("Revoke Laptop, this session", "You revoked this session."),
        ],
    )
    def test_own_session_is_revoked(
        self, address: str, open_page: OpenPage, button: str, said: str
    ) -> None:
        """Revoking all sessions, or just one's own, ends this one too and clears its cookie."""
        page = open_page(address)
        log_in(page, device="Laptop")
        press(page, button)
        expect(page.locator("#status")).to_have_text(said)
        expect(page.get_by_label("Username")).to_be_focused()
        assert cookies(page.context) == {}

    def test_revoked_in_the_admin_is_out_at_the_next_request(
        self, address: str, open_page: OpenPage, chromium: Browser
    ) -> None:
        """Staff revoke the session in the admin; the page's next request is its last."""
        page = open_page(address)
        log_in(page)
        link = page.get_by_role("link", name="Open this session in the admin")
        revoke_in_admin(chromium, str(link.evaluate("(link) => link.href")))
        press(page, "Load profile")
        assert requests(page)[-1] == "GET /api/profile/ 401 access_invalid"
        assert requests(page)[-2] == "POST /auth/refresh/ 401 session_ended"
        expect(page.locator("#alert")).to_contain_text("was revoked")
        expect(page.get_by_label("Username")).to_be_visible()
