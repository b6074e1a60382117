"""Many sessions at once, finding by a token, and the export: driven by staff, in both themes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.console_browser.people import PASSWORD
from tests.console_browser.staff import (
    EVENTS,
    FIND,
    REVOKE_MANY,
    SESSIONS,
    answer,
    choose,
    open_session,
)
from tests.demo.browser import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.console_browser.conftest import OpenDesk

pytestmark = [pytest.mark.browser, pytest.mark.req("REQ-117")]


def left(page: Page, user: str) -> list[str]:
    """Return the names of the devices of the user's active sessions, as the list shows them."""
    page.goto(f"{SESSIONS}?status=active&q={user}")
    links = page.locator("#result_list tbody .field-device_column a, #result_list tbody th a")
    return sorted(text.split()[0] for text in links.all_inner_texts() if text.strip())


class TestMany:
    def test_all_of_the_users_of_selected_rows(
        self, themed: tuple[str, str], open_desk: OpenDesk
    ) -> None:
        """A superuser selects one row and ends both sessions of its user."""
        name = f"users-{themed[0]}"
        page = open_desk(themed[1]).page
        page.goto(f"{SESSIONS}?status=active&q={name}")
        choose(page, "Revoke all sessions of these users", "New")
        answer(page)
        expect(page.get_by_text("2 sessions were revoked")).to_be_visible()
        assert left(page, name) == []

    def test_all_but_this_one(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """From the page of the one that the user holds in the hand."""
        name = f"others-{themed[0]}"
        page = open_desk(themed[1], "helper").page
        open_session(page, name, "New")
        page.get_by_role("link", name="Revoke all but this one").click()
        answer(page)
        expect(page.get_by_text("1 session was revoked")).to_be_visible()
        assert left(page, name) == ["New"]

    def test_not_before(self, themed: tuple[str, str], open_desk: OpenDesk) -> None:
        """What began before a day ends; what began after it stays."""
        name = f"before-{themed[0]}"
        page = open_desk(themed[1], "helper").page
        page.goto(REVOKE_MANY)
        page.get_by_role("textbox", name="User").fill(name)
        day = datetime.now(UTC) - timedelta(days=3)
        page.get_by_label("Not before").fill(f"{day:%Y-%m-%d}")
        page.get_by_role("button", name="Continue").click()
        answer(page)
        expect(page.get_by_text("1 session was revoked")).to_be_visible()
        assert left(page, name) == ["New"]

    def test_everyone_is_asked_for_twice(
        self, themed: tuple[str, str], open_desk: OpenDesk
    ) -> None:
        """Without the box nothing ends, and the question is there again."""
        page = open_desk(themed[1]).page
        page.goto(REVOKE_MANY)
        page.get_by_label("of everyone").check()
        page.get_by_role("button", name="Continue").click()
        sure = page.get_by_label("Yes, sign out everyone")
        sure.evaluate("(box) => box.removeAttribute('required')")  # a client may leave it out
        with page.expect_navigation():
            answer(page)
        expect(sure).to_be_visible()
        assert left(page, "radia") != []


class TestFinding:
    @pytest.mark.req("REQ-125")
    @pytest.mark.parametrize("kind", ["access", "refresh"])
    def test_a_token_finds_its_session(
        self, themed: tuple[str, str], open_desk: OpenDesk, kind: str
    ) -> None:
        """Pasted by staff; it is in no address afterwards."""
        page = open_desk(themed[1], "viewer").page
        login = {"username": "katherine", "password": PASSWORD, "client": "app"}
        tokens = page.request.post(f"{themed[1]}/auth/login/", data=login).json()
        seen: list[str] = []
        page.on("request", lambda request: seen.append(request.url))
        page.goto(FIND)
        page.get_by_label("Token").fill(tokens[kind])
        page.get_by_role("button", name=re.compile("Find")).click()
        expect(page).to_have_url(re.compile(tokens["session"]["sid"]))
        assert [url for url in seen if tokens[kind] in url] == []


class TestExport:
    def test_of_what_is_filtered(
        self, themed: tuple[str, str], open_desk: OpenDesk, tmp_path: Path
    ) -> None:
        """The rows of the list, and no others, as a file."""
        page = open_desk(themed[1], "viewer").page
        page.goto(f"{EVENTS}?type=reuse")
        shown = page.locator("#result_list tbody tr").count()
        with page.expect_download() as waiting:
            page.get_by_role("button", name=re.compile("CSV")).click()
        waiting.value.save_as(tmp_path / "events.csv")
        lines = (tmp_path / "events.csv").read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) == shown + 1 == 2
        assert "reuse" in lines[1]
