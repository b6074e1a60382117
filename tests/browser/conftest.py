"""The stage for the tests of this folder: one server for all, a network for each."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.browser.server import Server
from tests.browser.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def storm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the server; afterwards its log must show no exception."""
    with closing(Server(tmp_path_factory.mktemp("storm"))) as server:
        yield server
    assert server.complaints() == []


@pytest.fixture
def stage(chromium: Browser, storm_server: Server) -> Iterator[Stage]:
    """Put the browser, the network and the server together."""
    with closing(Stage(chromium, storm_server)) as stage:
        yield stage
