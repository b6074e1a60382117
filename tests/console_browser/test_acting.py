"""Staff at work: each page and action, by who may what, in both themes."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.console_browser.staff import (
    EVENTS,
    OVERVIEW,
    REVOKE_MANY,
    SESSIONS,
    USERS,
    Desk,
    answer,
    choose,
    open_session,
)
from tests.demo.browser import expect, log_in, press, requests

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.console_browser.conftest import OpenDesk

pytestmark = pytest.mark.browser


class TestRights:
    @pytest.mark.req("REQ-116", "REQ-119")
    def test_who_may_view_sees_everything_and_ends_nothing(
        self, themed: tuple[str, str], open_desk: OpenDesk
    ) -> None:
        """List, page, overview and events are there; of revoking there is no link and no action."""
        page = open_desk(themed[1], "viewer").page
        open_session(page, "ada", "Work laptop")
        expect(page.get_by_text("Had the session last")).to_be_visible()
        for address in (SESSIONS, OVERVIEW, EVENTS, page.url):
            page.goto(address)
            expect(page.get_by_role("link", name=re.compile("^Revoke"))).to_have_count(0)
        page.goto(SESSIONS)
        expect(page.locator("option[value^=revoke]")).to_have_count(0)

    @pytest.mark.req("REQ-116")
    def test_who_may_revoke_is_offered_users_but_not_everyone(
        self, stock: str, open_desk: OpenDesk
    ) -> None:
        """Without the permission for everyone, "Revoke many" is about one user only."""
        page = open_desk(stock, "helper").page
        page.goto(REVOKE_MANY)
        expect(page.get_by_role("textbox", name="User")).to_be_visible()
        expect(page.get_by_text("everyone")).to_have_count(0)

    @pytest.mark.req("REQ-116", "REQ-123")
    def test_sessions_of_a_superuser_are_left_alone(self, stock: str, open_desk: OpenDesk) -> None:
        """Staff who may revoke find no button on a superuser's session."""
        page = open_desk(stock, "helper").page
        open_session(page, "root", "Desk")
        expect(page.get_by_role("link", name="Revoke", exact=True)).to_have_count(0)


class TestRevoking:
    @pytest.mark.req("REQ-117")
    def test_one_by_its_page(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """The question, the answer, and a page that tells who ended it and why."""
        device = {"stock": "Phone 1", "unfold": "Phone 2"}[themed[0]]
        page = open_desk(themed[1], "helper").page
        open_session(page, "radia", device)
        page.get_by_role("link", name="Revoke", exact=True).click()
        answer(page)
        expect(page.get_by_text("1 session was revoked")).to_be_visible()
        open_session(page, "radia", device)
        expect(page.get_by_text("Ticket 12").first).to_be_visible()
        expect(page.get_by_role("link", name="Revoke", exact=True)).to_have_count(0)

    @pytest.mark.req("REQ-117")
    def test_selected_ones_by_the_list(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """Search, select, act, answer: what was selected has ended, and nothing else."""
        device = {"stock": "Phone 8", "unfold": "Phone 7"}[themed[0]]
        page = open_desk(themed[1], "helper").page
        page.goto(f"{SESSIONS}?status=active&q=radia")
        choose(page, "Revoke selected sessions", device)
        answer(page)
        expect(page.get_by_text("1 session was revoked")).to_be_visible()
        page.goto(f"{SESSIONS}?status=active&q=radia")
        expect(page.locator("#result_list").get_by_role("link", name=device)).to_have_count(0)

    @pytest.mark.req("REQ-117")
    def test_of_a_network(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """Who may revoke for everyone is told how many sessions of how many users first."""
        network = {"stock": "192.0.2.77/32", "unfold": "203.0.113.66"}[themed[0]]
        page = open_desk(themed[1], "guardian").page
        page.goto(REVOKE_MANY)
        page.get_by_label("from one address or network").check()
        page.get_by_label("Address or network", exact=False).last.fill(network)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("row", name="Sessions 1")).to_be_visible()
        answer(page)
        expect(page.get_by_text("1 session was revoked")).to_be_visible()

    @pytest.mark.req("REQ-117")
    def test_everywhere_from_the_page_of_a_user(
        self, themed: tuple[str, str], open_desk: OpenDesk
    ) -> None:
        """The user's page lists the active sessions; one link ends them all."""
        page = open_desk(themed[1], "guardian").page
        page.goto(f"{USERS}?q=out-{themed[0]}")
        page.get_by_role("link", name=f"out-{themed[0]}", exact=True).click()
        page.get_by_role("link", name="Sign out everywhere").click()
        answer(page)
        expect(page.get_by_text(re.compile("sessions? (was|were) revoked"))).to_be_visible()
        page.goto(f"{SESSIONS}?status=active&q=out-{themed[0]}")
        expect(page.locator("#result_list tbody tr")).to_have_count(0)

    @pytest.mark.req("REQ-117")
    def test_with_the_keyboard_alone(self, stock: str, open_desk: OpenDesk) -> None:
        """From the list to a revoked session without a pointer."""
        desk = open_desk(stock, "helper")
        page = desk.page
        page.goto(f"{SESSIONS}?q=radia")

        def go(name: str, role: str = "link") -> None:
            wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
            for _ in range(120):
                page.keyboard.press("Tab")
                if wanted.evaluate("(node) => node === document.activeElement"):
                    with page.expect_navigation():
                        page.keyboard.press("Enter")
                    return
            raise AssertionError(f"{name} cannot be reached by Tab")

        go("Phone 4 phone")
        go("Revoke")
        go("Yes, revoke", "button")
        expect(page.get_by_text("1 session was revoked")).to_be_visible()


class TestDeletingUsers:
    @pytest.mark.req("REQ-120")
    def test_who_may_delete_users_can(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """Sessions do not protect their user; their rows stay, without the user."""
        name = f"leaving-{themed[0]}"
        page = open_desk(themed[1], "clerk").page
        page.goto(f"{USERS}?q={name}")
        page.get_by_role("link", name=name, exact=True).click()
        page.locator("a[href*='/delete/']").first.click()
        expect(page).to_have_url(re.compile("/delete/"))  # the page before has buttons too
        page.locator("form [type=submit]").last.click()
        expect(page.get_by_text("was deleted successfully")).to_be_visible()


class TestSearching:
    def test_by_network_and_filter(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """A network in the box, and a filter by its link."""
        page = open_desk(themed[1], "viewer").page
        page.goto(SESSIONS)
        page.locator("#searchbar, input[name=q]").first.fill("203.0.113.0/28")
        page.keyboard.press("Enter")
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
        page.goto(f"{SESSIONS}?suspicious=reuse")
        expect(page.locator("#result_list")).to_contain_text("ada")

    @pytest.mark.req("REQ-122")
    def test_hostile_names_are_text(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """Markup in a device's name or browser is shown as it was sent, and runs nowhere."""
        page = open_desk(themed[1], "viewer").page
        open_session(page, "mallory", "<img src=x")
        assert page.locator("img[src=x]").count() == 0


class TestWhileTheUserIsThere:
    def opened(self, chromium: Browser, address: str) -> tuple[Page, str]:
        """Log in on the demo's page; give it, and the address of its session in the admin."""
        page = chromium.new_context().new_page()
        page.goto(f"{address}/")
        log_in(page)
        link = page.get_by_role("link", name="Open this session in the admin")
        return page, str(link.evaluate("(link) => link.href"))

    def revoke(self, desk: Desk, address: str) -> None:
        """End that session in the admin."""
        desk.page.goto(address)
        desk.page.get_by_role("link", name="Revoke", exact=True).click()
        answer(desk.page)

    @pytest.mark.req("REQ-117")
    def test_the_very_next_request_is_refused(
        self, stock: str, open_desk: OpenDesk, chromium: Browser
    ) -> None:
        """With a query for each request: from the moment that the admin says that it is done."""
        page, address = self.opened(chromium, stock)
        desk = open_desk(stock, "helper")
        self.revoke(desk, address)
        expect(desk.page.get_by_text("1 session was revoked")).to_be_visible()
        press(page, "Load profile")
        assert set(requests(page)[-2:]) == {
            "GET /api/profile/ 401 access_invalid",
            "POST /auth/refresh/ 401 session_ended",
        }

    @pytest.mark.req("REQ-117")
    def test_within_a_second_by_the_list(
        self, stock: str, listed: str, open_desk: OpenDesk, chromium: Browser
    ) -> None:
        """Revoked in another process: the process that serves the page knows a second later."""
        page, address = self.opened(chromium, listed)
        desk = open_desk(stock, "helper")
        self.revoke(desk, address.replace(listed, stock))
        expect(desk.page.get_by_text("1 session was revoked")).to_be_visible()
        time.sleep(1)  # what the setting promises
        press(page, "Load profile")
        assert "GET /api/profile/ 401 access_invalid" in requests(page)
