"""What axe finds on a page: WCAG 2.1 A and AA, contrast included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from axe_playwright_python.sync_playwright import Axe
except ModuleNotFoundError:  # as in tests.demo.browser
    Axe = None

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["violations"]

WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],  # of what is right the first node alone, which is faster
}


def violations(page: Page, *, context: Any = None) -> list[str]:
    """Return what axe finds on a page that is loaded: the rule, and where.

    A click that leads elsewhere must have been waited for: until the next page begins, this is
    still the last one.

    Args:
        page: what to look at.
        context: of axe: a selector, or ``{"exclude": [...]}``; by default the whole page.
    """
    page.wait_for_load_state()
    # The policy forbids scripts by text; the browser's own debugger may evaluate one.
    found = Axe().run(page, context=context, options=WCAG).response["violations"]
    return [
        f"{page.url} {rule['id']}: {node['target']} {node['html'][:120]}"
        for rule in found
        for node in rule["nodes"]
    ]
