"""axe finds nothing on the pages, in light and dark, on a desk and on a phone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.axe import violations
from tests.console_browser.staff import (
    EVENTS,
    FIND,
    OVERVIEW,
    REVOKE_MANY,
    SESSIONS,
    USERS,
    open_session,
)
from tests.demo.browser import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.console_browser.conftest import OpenDesk

pytestmark = pytest.mark.browser

DJANGOS = [
    ["#nav-sidebar"],  # the list of models, with its filter that has a placeholder for a label
    ["#header"],
    [".breadcrumbs"],
]
"""What is Django's own and on every page of every admin."""
UNFOLDS = [[".tokenauth-tools"]]
"""Links above a page are items of a list, as Django has them; unfold leaves out the list."""


def faults(page: Page, exclude: list[list[str]] = DJANGOS) -> list[str]:
    """Return what axe finds on what is not another's."""
    return violations(page, context={"exclude": exclude})


def pages(page: Page, exclude: list[list[str]] = DJANGOS) -> list[str]:
    """Visit each page and give what axe finds on all of them."""
    found = []
    for address in (SESSIONS, f"{SESSIONS}?q=ada", OVERVIEW, EVENTS, FIND, REVOKE_MANY):
        page.goto(address)
        found += faults(page, exclude)
    open_session(page, "ada", "Work laptop")
    found += faults(page, exclude)
    page.get_by_role("link", name="All events of this session").click()
    page.locator("#result_list tbody th a").first.click()
    expect(page).to_have_url(re.compile(f"{EVENTS}[^/?]+/"))
    found += faults(page, exclude)
    open_session(page, "mallory", "<img")
    found += faults(page, exclude)
    open_session(page, "radia", "Phone 0")
    page.get_by_role("link", name="Revoke", exact=True).click()
    page.get_by_role("button", name="Yes, revoke").wait_for()
    found += faults(page, exclude)
    page.goto(REVOKE_MANY)
    page.get_by_label("of everyone").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Yes, revoke").wait_for()
    found += faults(page, exclude)
    return found


class TestAxe:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 400])
    def test_nothing_is_found(
        self, stock: str, open_desk: OpenDesk, scheme: str, width: int
    ) -> None:
        """WCAG 2.1 A and AA, contrast included, on each page."""
        viewport = {"width": width, "height": 900}
        assert pages(open_desk(stock, color_scheme=scheme, viewport=viewport).page) == []

    def test_nothing_is_found_by_the_toggle(self, stock: str, open_desk: OpenDesk) -> None:
        """Dark by Django's own button, on a light system; its colours are the same everywhere."""
        page = open_desk(stock).page
        page.evaluate("localStorage.setItem('theme', 'dark')")
        page.goto(SESSIONS)
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        found = faults(page)
        page.goto(OVERVIEW)
        found += faults(page)
        open_session(page, "ada", "Work laptop")
        found += faults(page)
        assert found == []

    def test_nothing_is_found_under_unfold(self, unfold: str, open_desk: OpenDesk) -> None:
        """The same pages in another theme."""
        assert pages(open_desk(unfold).page, [*DJANGOS, *UNFOLDS]) == []

    def test_the_list_of_a_user_has_no_fault(self, stock: str, open_desk: OpenDesk) -> None:
        """What is added to the page of a user; the rest of it is the project's."""
        page = open_desk(stock).page
        page.goto(f"{USERS}?q=ada")
        page.get_by_role("link", name="ada", exact=True).click()
        page.locator("#tokenauth-sessions").wait_for()
        assert violations(page, context="#tokenauth-sessions") == []

    def test_axe_would_find_one(self, stock: str, open_desk: OpenDesk) -> None:
        """A label that is taken away is found: the tests above can fail."""
        page = open_desk(stock).page
        page.goto(FIND)
        page.evaluate("document.querySelector('main label, #content label').remove()")
        assert any("label" in fault for fault in faults(page))


class TestNarrow:
    def test_nothing_is_cut_off_on_a_phone(self, stock: str, open_desk: OpenDesk) -> None:
        """At 400 pixels no page has to be scrolled sideways; long names wrap."""
        page = open_desk(stock, viewport={"width": 400, "height": 800}).page
        for address in (SESSIONS, OVERVIEW, EVENTS, FIND, REVOKE_MANY):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") == 400, address
