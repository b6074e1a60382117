"""The experiments of the demo's page: two tabs, and a response that is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import (
    an_hour_passes,
    cookies,
    expect,
    log_in,
    newest_session,
    press,
    requests,
    second_tab,
)

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Route

    from tests.demo.browser import OpenPage
    from tests.demo.server import Demo

pytestmark = pytest.mark.browser

ROTATIONS = "[data-protocol=rotations]"


class TestLostResponse:
    def test_next_try_gets_the_same_answer(
        self, demo: Demo, address: str, open_page: OpenPage
    ) -> None:
        """The server rotated, the page did not learn it, and its next try got that token again."""
        page = open_page(address)
        log_in(page)
        an_hour_passes(demo, "rotated_at")
        press(page, "Lose the next response")
        told = page.locator("#story li")
        expect(told).to_have_count(3)
        expect(told.nth(0)).to_contain_text("no. 0 to no. 1. Its answer was lost: 504")
        expect(told.nth(1)).to_contain_text("the same answer once more, no. 1")
        assert [made for made in requests(page) if "/auth/refresh/" in made][-2:] == [
            "POST /auth/refresh/ 504 answer_lost",
            "POST /auth/refresh/ 200",
        ]
        assert newest_session(demo, "generation", "grace_count") == (1, 1)

    def test_session_lives_on(self, demo: Demo, address: str, open_page: OpenPage) -> None:
        """After the loss the cookie is the successor's: a reload finds the session."""
        page = open_page(address)
        log_in(page)
        an_hour_passes(demo, "rotated_at")
        press(page, "Lose the next response")
        assert cookies(page.context) == {"tokenauth-refresh": True}
        page.reload()
        expect(page.locator("dd[data-profile=username]")).to_have_text("demo")
        expect(page.locator(ROTATIONS)).to_have_text("1")

    def test_young_token_is_waited_for(self, address: str, open_page: OpenPage) -> None:
        """Within the grace nothing would be lost: the page says so, and gives up at a logout."""
        page = open_page(address)
        log_in(page)
        page.get_by_role("button", name="Lose the next response").click()
        expect(page.locator("#story li")).to_contain_text("too young")
        page.get_by_role("button", name="Log out").click()
        expect(page.locator("#story li")).to_have_count(0)
        expect(page.locator("[aria-busy=true]")).to_have_count(0)


class TestTwoTabs:
    def test_renewed_at_once_they_share_one_rotation(
        self, demo: Demo, address: str, open_page: OpenPage
    ) -> None:
        """Two tabs refresh at the same time: both are answered, and one of them rotated."""
        page = open_page(address)
        log_in(page)
        other = second_tab(page)
        an_hour_passes(demo, "rotated_at")
        press(page, "Renew in all tabs at once")
        for tab in (page, other):
            expect(tab.locator(ROTATIONS)).to_have_text("1")
            # The second tab's first one, and then one of each.
            expect(tab.locator("#exchanges li", has_text="/auth/refresh/ 200")).to_have_count(3)
        assert newest_session(demo, "generation") == (1,)

    def test_each_shows_the_requests_of_the_other(self, address: str, open_page: OpenPage) -> None:
        """What the second tab asks is in the log of the first, marked as the other's."""
        page = open_page(address)
        log_in(page)
        second_tab(page)
        assert "POST /auth/refresh/ 200 other tab" in requests(page)

    def test_logout_in_one_is_one_in_the_other(self, address: str, open_page: OpenPage) -> None:
        """The other tab is out at once, without a request of its own, and says why."""
        page = open_page(address)
        log_in(page)
        other = second_tab(page)
        press(page, "Log out")
        expect(other.locator("#alert")).to_have_text("You were logged out in another tab.")
        expect(other.get_by_label("Username")).to_be_visible()
        mine = [made for made in requests(other) if "other tab" not in made]
        assert mine[0] == "POST /auth/refresh/ 200"
        assert not any("logout" in made or "401" in made for made in mine)

    def test_late_answer_is_not_shown_to_the_next_user(
        self, address: str, open_page: OpenPage
    ) -> None:
        """What was asked for one user and comes when another has logged in is thrown away."""
        page = open_page(address)
        log_in(page)
        other = second_tab(page)
        late: list[tuple[Route, APIResponse]] = []

        def hold_the_first(route: Route) -> None:
            if late:
                route.continue_()
            else:
                late.append((route, route.fetch()))

        page.route("**/api/profile/", hold_the_first)
        with page.expect_request("**/api/profile/"):
            page.get_by_role("button", name="Load profile").click()
        press(other, "Log out")
        form = other.locator("#login-form")
        form.get_by_label("Username").fill("admin")
        form.get_by_label("Password").fill("admin")
        form.get_by_role("button", name="Log in").click()
        expect(page.locator("dd[data-profile=username]")).to_have_text("admin")
        route, response = late[0]
        route.fulfill(response=response)
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        expect(page.locator("dd[data-profile=username]")).to_have_text("admin")
