"""The seeded project, served under each theme, and desks of staff in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.console_browser.server import Console, database_beside
from tests.console_browser.staff import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Console]:
    """Return the project with its month of sessions, on the database of this run if it can be."""
    with database_beside(worker_id) as settings:
        console = Console(tmp_path_factory.mktemp("console"), **settings)
        console.install()
        yield console


@pytest.fixture(scope="session")
def stock(console: Console) -> Iterator[str]:
    """Serve it under Django's own theme."""
    with console.serve() as address:
        yield address


def _beside(console: Console, factory: pytest.TempPathFactory, **settings: str) -> Iterator[str]:
    """Serve the same database with other settings."""
    database = console.environment["DATABASE_URL"]
    other = Console(factory.mktemp("beside"), DATABASE_URL=database, **settings)
    with other.serve() as address:
        yield address


@pytest.fixture(scope="session")
def unfold(console: Console, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve it under django-unfold."""
    yield from _beside(console, tmp_path_factory, CONSOLE_THEME="unfold")


@pytest.fixture(scope="session")
def listed(console: Console, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve it with a revocation list in place of a query for each request."""
    yield from _beside(console, tmp_path_factory, CONSOLE_ACCESS_CHECK="revocation-list")


@pytest.fixture(params=["stock", "unfold"])
def themed(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Give the name of a theme and the address of the server that has it."""
    return request.param, request.getfixturevalue(request.param)


@pytest.fixture
def open_desk(chromium: Browser) -> Iterator[OpenDesk]:
    """Return a function that logs staff in; afterwards no page may have complained of anything."""
    desks: list[Desk] = []

    def opened(address: str, name: str = "root", **profile: object) -> Desk:
        desk = Desk(chromium, address, **profile)
        desks.append(desk)
        desk.log_in(name)
        return desk

    yield opened
    assert [fault for desk in desks for fault in desk.faults] == []
