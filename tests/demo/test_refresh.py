"""The demo's page in a real browser: how it keeps its session, and when it gives up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import expect, loaded, log_in, press, requests

if TYPE_CHECKING:
    from tests.demo.browser import OpenPage
    from tests.demo.server import Demo

pytestmark = pytest.mark.browser

SAYS_OFFLINE = "Object.defineProperty(Navigator.prototype, 'onLine', {get: () => false})"


class TestRefresh:
    def test_reload_stays_logged_in(self, address: str, open_page: OpenPage) -> None:
        """A page that has just loaded finds its session by one refresh."""
        page = open_page(address)
        log_in(page)
        page.reload()
        loaded(page)
        assert requests(page)[0] == "POST /auth/refresh/ 200"

    def test_token_is_renewed_before_it_ends(
        self, impatient_address: str, open_page: OpenPage
    ) -> None:
        """The countdown starts again by itself, and the page has never seen its end."""
        page = open_page(impatient_address)
        log_in(page)
        page.evaluate(
            "window.seen = new Set();"
            "new MutationObserver(() => seen.add(left.textContent))"
            ".observe(left, {childList: true})"
        )
        renewed = page.locator("#exchanges li", has_text="/auth/refresh/ 200")
        expect(renewed.nth(1)).to_be_visible()
        assert "expired" not in page.evaluate("[...seen]")

    def test_renew_now_starts_the_countdown_again(self, address: str, open_page: OpenPage) -> None:
        """A press of the button gets another access token, by one refresh."""
        page = open_page(address)
        log_in(page)
        expect(page.locator("#left")).to_have_text(re.compile("4:5[0-8]"))
        page.evaluate("exchanges.replaceChildren()")
        press(page, "Renew now")
        expect(page.locator("#left")).to_have_text(re.compile("5:00|4:59"))
        assert requests(page) == ["POST /auth/refresh/ 200"]

    def test_superseded_token_is_tried_once_more(
        self, demo: Demo, address: str, open_page: OpenPage
    ) -> None:
        """Below the floor the page repeats its refresh once, then asks for the password."""
        page = open_page(address)
        log_in(page)
        raised = demo.manage(
            "shell",
            "--command=from tokenauth.models import AuthSession;"
            "AuthSession.objects.update(generation=2, floor=2)",
        )
        assert raised.returncode == 0, raised.stderr
        press(page, "Load profile")
        expect(page.get_by_label("Username")).to_be_focused()
        assert requests(page)[-3:] == [
            "POST /auth/refresh/ 401 refresh_superseded",
            "POST /auth/refresh/ 401 refresh_superseded",
            "GET /api/profile/ 401 access_invalid",
        ]


class TestNetwork:
    def test_lost_network_is_not_a_logout(self, address: str, open_page: OpenPage) -> None:
        """Without a network the page says so and keeps the session."""
        page = open_page(address)
        log_in(page)
        page.context.set_offline(True)
        expect(page.locator("#offline")).to_contain_text("You are offline")
        press(page, "Renew now")
        expect(page.locator("#alert")).to_contain_text("You are still logged in")
        expect(page.locator("dd[data-profile=username]")).to_have_text("demo")

    def test_network_that_is_back_is_used(self, address: str, open_page: OpenPage) -> None:
        """The notice goes, and the page loads again without being told to."""
        page = open_page(address)
        log_in(page)
        page.context.set_offline(True)
        expect(page.locator("#offline")).not_to_be_empty()
        page.evaluate("exchanges.replaceChildren()")
        page.context.set_offline(False)
        expect(page.locator("#offline")).to_be_empty()
        expect(page.locator("#exchanges li", has_text="/api/profile/ 200")).to_have_count(1)

    def test_lost_network_at_the_start_is_not_a_logout(
        self, address: str, open_page: OpenPage
    ) -> None:
        """A page that cannot ask whether it is logged in says that, and goes on asking."""
        page = open_page(address)
        log_in(page)
        page.context.route("**/auth/refresh/", lambda route: route.abort("internetdisconnected"))
        page.reload()
        expect(page.get_by_role("heading", name="Cannot tell yet")).to_be_visible()
        page.context.unroute("**/auth/refresh/")
        loaded(page)

    def test_asks_again_when_told_to(self, address: str, open_page: OpenPage) -> None:
        """A page that has given up asking, because there is no network, asks when told to."""
        page = open_page(address)
        log_in(page)
        page.add_init_script(SAYS_OFFLINE)
        page.context.route("**/auth/refresh/", lambda route: route.abort("internetdisconnected"))
        page.reload()
        expect(page.get_by_role("heading", name="Cannot tell yet")).to_be_visible()
        page.context.unroute("**/auth/refresh/")
        press(page, "Try again")
        loaded(page)
