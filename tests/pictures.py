"""Where the pictures of the documents are, and how they are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.demo.server import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["IMAGES", "take"]

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000


def take(page: Page, name: str, height: int = 900, width: int = 1280) -> None:
    """Write what the page shows, down to a height."""
    page.set_viewport_size({"width": width, "height": height})
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    assert size <= MOST_BYTES, f"{path.name} has {size} bytes"
