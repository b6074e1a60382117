"""The demo's page in a real browser: login, logout, and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import cookies, expect, log_in, press, requests

if TYPE_CHECKING:
    from tests.demo.browser import OpenPage

pytestmark = pytest.mark.browser


class TestLogin:
    def test_profile_comes_from_the_protected_endpoint(
        self, address: str, open_page: OpenPage
    ) -> None:
        """After the login the page shows the profile and the session that it was read with."""
        page = open_page(address)
        log_in(page)
        current = page.locator("#devices li.current").get_attribute("data-sid")
        expect(page.locator("dd[data-profile=session_id]")).to_have_text(str(current))
        assert "GET /api/profile/ 200" in requests(page)

    def test_wrong_password_is_explained(self, address: str, open_page: OpenPage) -> None:
        """A refused login says why and keeps the form, what was typed included."""
        page = open_page(address)
        form = page.locator("#login-form")
        form.get_by_label("Username").fill("demo")
        form.get_by_label("Password").fill("wrong")
        press(page, "Log in")
        expect(page.locator("#alert")).to_contain_text("do not match")
        expect(form.get_by_label("Username")).to_have_value("demo")

    def test_keyboard_is_enough(self, address: str, open_page: OpenPage) -> None:
        """The form has the focus, Enter sends it, and the focus moves on to the greeting."""
        page = open_page(address)
        expect(page.get_by_label("Username")).to_be_focused()
        page.keyboard.type("demo")
        page.keyboard.press("Tab")
        page.keyboard.type("demo")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Hello, demo")).to_be_focused()

    def test_password_does_not_stay_in_the_document(
        self, address: str, open_page: OpenPage
    ) -> None:
        """After the login its field is empty again."""
        page = open_page(address)
        log_in(page)
        expect(page.locator("#login-form [name=password]")).to_have_value("")

    def test_no_script_can_read_a_token(self, address: str, open_page: OpenPage) -> None:
        """The refresh cookie is HttpOnly; what scripts can read holds no secret."""
        page = open_page(address)
        log_in(page)
        assert cookies(page.context) == {"tokenauth-refresh": True}
        found = page.evaluate(
            "[document.cookie, {...localStorage}, sessionStorage.length,"
            " Object.values(window).filter((value) => /^eyJ/.test(value)).length]"
        )
        assert found == ["", {"tokenauth /auth/": "1"}, 0, 0]

    def test_login_in_one_tab_is_one_in_the_others(self, address: str, open_page: OpenPage) -> None:
        """A tab that waits at the form goes on with the session of the tab that logged in."""
        page = open_page(address)
        other = page.context.new_page()
        other.goto(page.url)
        expect(other.get_by_role("heading", name="Log in")).to_be_visible()
        log_in(page)
        expect(other.locator("dd[data-profile=username]")).to_have_text("demo")


class TestNarrow:
    def test_nothing_is_cut_off_on_a_phone(self, address: str, open_page: OpenPage) -> None:
        """At 320 pixels nothing has to be scrolled sideways, before and after the login."""
        page = open_page(address, width=320)
        width = "document.documentElement.scrollWidth"
        expect(page.get_by_label("Username")).to_be_visible()
        assert page.evaluate(width) == 320
        log_in(page, device="A_name_without_a_single_space_in_it" * 2)
        assert page.evaluate(width) == 320
        page.get_by_role("button", name="Rename").first.click()
        assert page.evaluate(width) == 320


class TestLogout:
    def test_logout_ends_it_for_good(self, address: str, open_page: OpenPage) -> None:
        """After a logout the cookie is gone, and after a reload there is nothing to ask for."""
        page = open_page(address)
        log_in(page)
        press(page, "Log out")
        expect(page.locator("#status")).to_have_text("You are logged out.")
        expect(page.get_by_label("Username")).to_be_focused()
        assert cookies(page.context) == {}
        page.reload()
        expect(page.get_by_label("Username")).to_be_focused()
        assert requests(page) == []

    def test_nothing_of_the_session_stays_on_the_page(
        self, address: str, open_page: OpenPage
    ) -> None:
        """Whoever logs in next finds neither the profile nor the devices in the document."""
        page = open_page(address)
        log_in(page, device="Work laptop")
        press(page, "Log out")
        expect(page.get_by_label("Username")).to_be_visible()
        assert "Work laptop" not in page.content()
        assert "demo@example.com" not in page.content()
