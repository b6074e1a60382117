"""The demo's page in a real browser: how it keeps its session, and when it gives up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import expect, log_in, press, requests

if TYPE_CHECKING:
    from tests.demo.browser import OpenPage
    from tests.demo.server import Demo

pytestmark = pytest.mark.browser


class TestRefresh:
    def test_reload_stays_logged_in(self, address: str, open_page: OpenPage) -> None:
        """A page that has just loaded finds its session by one refresh."""
        page = open_page(address)
        log_in(page)
        page.reload()
        expect(page.locator("dd[data-profile=username]")).to_have_text("demo")
        assert requests(page)[0] == "POST /auth/refresh/ 200"

    def test_two_refused_requests_share_one_silent_refresh(
        self, impatient_address: str, open_page: OpenPage
    ) -> None:
        """With an expired access token, both requests are answered after a single refresh."""
        page = open_page(impatient_address)
        log_in(page)
        # The page counts from before its request, so it may see the end before the server does:
        # then both are answered, and asked again.
        for _ in range(200):
            expect(page.locator("#left")).to_have_text("expired")
            page.evaluate(
                "exchanges.replaceChildren();"
                "for (const id of ['load-profile', 'reload']) document.getElementById(id).click()"
            )
            expect(page.locator("[aria-busy=true]")).to_have_count(0)
            made = sorted(requests(page))
            if sum("401" in request for request in made) == 2:
                break
        assert made == [
            "GET /api/profile/ 200",
            "GET /api/profile/ 401 access_invalid",
            "GET /auth/sessions/ 200",
            "GET /auth/sessions/ 401 access_invalid",
            "POST /auth/refresh/ 200",
        ]
        expect(page.get_by_role("status")).to_be_hidden()

    def test_countdown_follows_the_lifetime(
        self, impatient_address: str, open_page: OpenPage
    ) -> None:
        """The countdown reaches its end, and a renewal starts it again."""
        page = open_page(impatient_address)
        log_in(page)
        expect(page.locator("#left")).to_have_text("expired")
        press(page, "Renew now")
        expect(page.locator("#left")).to_have_text(re.compile(r"0:0[12]"))

    def test_lost_network_is_not_a_logout(self, address: str, open_page: OpenPage) -> None:
        """Without a network the page says so and keeps the session."""
        page = open_page(address)
        log_in(page)
        page.context.set_offline(True)
        press(page, "Renew now")
        expect(page.get_by_role("status")).to_contain_text("You are still logged in")
        page.context.set_offline(False)
        press(page, "Load profile")
        expect(page.get_by_role("status")).to_be_hidden()
        assert requests(page)[-1] == "GET /api/profile/ 200"

    def test_lost_network_at_the_start_is_not_a_logout(
        self, address: str, open_page: OpenPage
    ) -> None:
        """A page that cannot ask whether it is logged in says that, and asks again."""
        page = open_page(address)
        log_in(page)
        page.context.route("**/auth/refresh/", lambda route: route.abort("internetdisconnected"))
        page.reload()
        expect(page.get_by_role("heading", name="Cannot tell yet")).to_be_visible()
        page.context.unroute("**/auth/refresh/")
        press(page, "Try again")
        expect(page.locator("dd[data-profile=username]")).to_have_text("demo")

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
        assert requests(page)[-3:] == [
            "GET /api/profile/ 401 access_invalid",
            "POST /auth/refresh/ 401 refresh_superseded",
            "POST /auth/refresh/ 401 refresh_superseded",
        ]
        expect(page.get_by_label("Username")).to_be_focused()
