"""The stage for the tests of this folder: one server for all, a network for each."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.browser.server import Server
from tests.browser.stage import Stage
from tests.chromium import launched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def storm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the server; afterwards its log must show no exception."""
    with closing(Server(tmp_path_factory.mktemp("storm"))) as server:
        yield server
    assert server.complaints() == []


@pytest.fixture(scope="module")
def module_chromium() -> Iterator[Browser]:
    """Run one Chromium for the tests of a module, each of which has its own profiles in it."""
    with launched() as browser:
        yield browser


@pytest.fixture
def stage(module_chromium: Browser, storm_server: Server) -> Iterator[Stage]:
    """Put the browser, the network and the server together."""
    with closing(Stage(module_chromium, storm_server)) as stage:
        yield stage
