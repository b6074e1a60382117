"""axe finds nothing on the demo's page, in light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.axe import violations
from tests.demo.browser import an_hour_passes, expect, log_in, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.demo.browser import OpenPage
    from tests.demo.server import Demo

pytestmark = pytest.mark.browser


def both_widths(page: Page) -> list[str]:
    """Return what axe finds on a desk and on a phone."""
    found = []
    for width in (1200, 320):
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width}: {fault}" for fault in violations(page)]
    return found


class TestAxe:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_nothing_is_found(
        self, demo: Demo, address: str, open_page: OpenPage, scheme: str
    ) -> None:
        """At the login, while offline with everything open, and with the dialog open."""
        page = open_page(address, color_scheme=scheme)
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        found = both_widths(page)
        log_in(page, device="Work laptop")
        an_hour_passes(demo, "rotated_at", "auth_time")
        press(page, "Lose the next response")
        page.get_by_role("button", name="Rename").first.click()
        page.context.set_offline(True)
        press(page, "Load profile")
        expect(page.locator("#offline")).to_contain_text("You are offline")
        expect(page.locator("#alert")).to_contain_text("You are still logged in")
        found += both_widths(page)
        page.context.set_offline(False)
        page.get_by_label("New e-mail address").fill("axe@example.com")
        page.get_by_role("button", name="Change it").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_role("dialog").get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_role("alert")).not_to_be_empty()
        found += both_widths(page)
        assert found == []

    def test_axe_would_find_one(self, address: str, open_page: OpenPage) -> None:
        """A label that is taken away is found: the test above can fail."""
        page = open_page(address)
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        page.locator("[name=username]").first.evaluate(
            "(input) => input.parentNode.replaceWith(input)"
        )
        assert any("label" in fault for fault in violations(page))
