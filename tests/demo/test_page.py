"""The demo's page in a real browser: login, the list of sessions, logout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import cookies, expect, log_in, press, requests, revoke_in_admin

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.demo.browser import OpenPage

pytestmark = pytest.mark.browser


class TestLogin:
    def test_profile_comes_from_the_protected_endpoint(
        self, address: str, open_page: OpenPage
    ) -> None:
        """After the login the page shows the profile and the session that it was read with."""
        page = open_page(address)
        log_in(page)
        current = page.locator("#sessions li.current").get_attribute("data-sid")
        expect(page.locator("dd[data-profile=session_id]")).to_have_text(str(current))
        assert "GET /api/profile/ 200" in requests(page)

    def test_wrong_password_is_explained(self, address: str, open_page: OpenPage) -> None:
        """A refused login says why and keeps the form, what was typed included."""
        page = open_page(address)
        page.get_by_label("Username").fill("demo")
        page.get_by_label("Password").fill("wrong")
        press(page, "Log in")
        expect(page.get_by_role("status")).to_contain_text("do not match")
        expect(page.get_by_label("Username")).to_have_value("demo")

    def test_keyboard_is_enough(self, address: str, open_page: OpenPage) -> None:
        """The form has the focus, Enter sends it, and the focus moves on to the profile."""
        page = open_page(address)
        expect(page.get_by_label("Username")).to_be_focused()
        page.keyboard.type("demo")
        page.keyboard.press("Tab")
        page.keyboard.type("demo")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Profile")).to_be_focused()

    def test_no_script_can_read_a_token(self, address: str, open_page: OpenPage) -> None:
        """The refresh cookie is HttpOnly; storage, `document.cookie` and `window` hold nothing."""
        page = open_page(address)
        log_in(page)
        assert cookies(page.context) == {"tokenauth-refresh": True}
        found = page.evaluate(
            "[document.cookie, localStorage.length, sessionStorage.length,"
            " Object.values(window).filter((value) => /^eyJ/.test(value)).length]"
        )
        assert found == ["", 0, 0, 0]

    def test_nothing_is_cut_off_on_a_phone(self, address: str, open_page: OpenPage) -> None:
        """At 320 pixels nothing has to be scrolled sideways, before and after the login."""
        page = open_page(address, width=320)
        width = "document.documentElement.scrollWidth"
        expect(page.get_by_label("Username")).to_be_visible()
        assert page.evaluate(width) == 320
        log_in(page, device="A_name_without_a_single_space_in_it" * 2)
        assert page.evaluate(width) == 320


class TestSessions:
    def test_name_of_the_device_is_text(self, address: str, open_page: OpenPage) -> None:
        """A new name is stored and shown as it was typed, markup included."""
        page = open_page(address)
        log_in(page, device="Laptop")
        mine = page.locator("#sessions li.current")
        mine.get_by_role("button", name="Rename").click()
        mine.get_by_label("New name").fill("<img src=x onerror=alert(1)>")
        page.keyboard.press("Enter")
        expect(mine.locator("strong")).to_have_text("<img src=x onerror=alert(1)>")
        assert page.locator("#sessions img").count() == 0

    def test_another_session_is_revoked(self, address: str, open_page: OpenPage) -> None:
        """Revoked from the laptop, the phone is out at its next request and says why."""
        laptop, phone = open_page(address), open_page(address)
        log_in(phone, device="Phone")
        log_in(laptop, device="Laptop")
        press(laptop, "Revoke Phone")
        expect(laptop.get_by_role("status")).to_have_text("Revoked: Phone.")
        press(phone, "Load profile")
        expect(phone.get_by_role("status")).to_contain_text("was revoked")
        expect(phone.get_by_label("Username")).to_be_visible()

    def test_others_are_revoked(self, address: str, open_page: OpenPage) -> None:
        """Revoking the others leaves exactly the session that asked."""
        laptop, phone = open_page(address), open_page(address)
        log_in(phone)
        log_in(laptop)
        press(laptop, "Revoke the others")
        expect(laptop.locator("#sessions li")).to_have_count(1)
        press(phone, "Load profile")
        expect(phone.get_by_label("Username")).to_be_visible()

    @pytest.mark.parametrize("button", ["Revoke all", "Revoke Laptop, this session"])
    def test_own_session_is_revoked(self, address: str, open_page: OpenPage, button: str) -> None:
        """Revoking all sessions, or just one's own, ends this one too and clears its cookie."""
        page = open_page(address)
        log_in(page, device="Laptop")
        press(page, button)
        expect(page.get_by_role("status")).to_contain_text("You revoked")
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
        assert requests(page)[-2:] == [
            "GET /api/profile/ 401 access_invalid",
            "POST /auth/refresh/ 401 session_ended",
        ]
        expect(page.get_by_role("status")).to_contain_text("was revoked")
        expect(page.get_by_label("Username")).to_be_visible()


class TestLogout:
    def test_logout_ends_it_for_good(self, address: str, open_page: OpenPage) -> None:
        """After a logout the cookie is gone, and so is the session after a reload."""
        page = open_page(address)
        log_in(page)
        press(page, "Log out")
        expect(page.get_by_role("status")).to_have_text("You are logged out.")
        assert cookies(page.context) == {}
        page.reload()
        expect(page.get_by_label("Username")).to_be_focused()
        assert requests(page) == ["POST /auth/refresh/ 401 refresh_missing"]
