"""A site that sends e-mails, served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.notices_browser.post import Site

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return the site, installed."""
    site = Site(tmp_path_factory.mktemp("notices"))
    site.install()
    return site


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    """Serve it."""
    with site.serve() as address:
        yield address
