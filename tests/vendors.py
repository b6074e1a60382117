"""Which tests run where: what is not for a database is not collected, so nothing is skipped."""

import pytest
from django.db import connection


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--database-only``: for a second database, whose tests without one are known."""
    parser.addoption(
        "--database-only",
        action="store_true",
        help="run only the tests that use the database of this run, and to which it matters",
    )
    parser.addoption(
        "--requests-only",
        action="store_true",
        help="run only the tests of modules that make requests: for settings of those alone",
    )
    parser.addoption(
        "--beside-postgresql",
        action="store_true",
        help="leave out what --database-only runs on PostgreSQL: for a run on SQLite beside one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare ``@pytest.mark.vendor("postgresql")``; MariaDB's name is ``mysql``."""
    config.addinivalue_line(
        "markers", "vendor(*names): runs on these databases only: postgresql, mysql, sqlite"
    )
    config.addinivalue_line("markers", "every_database: uses the database in a process of its own")
    config.addinivalue_line(
        "markers", "any_database: what it shows is the same on each, so one is enough"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what is for other databases than the one of ``DATABASE_URL``, or for none."""
    every = not config.getoption("--database-only")
    wanted = [
        item for item in items if _is_for(item, connection.vendor) and (every or _uses_one(item))
    ]
    if config.getoption("--requests-only"):
        wanted = [item for item in wanted if _makes_requests(item)]
    if config.getoption("--beside-postgresql"):
        wanted = [item for item in wanted if not _runs_on_postgresql(item)]
    if len(wanted) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in set(wanted)])
        items[:] = wanted


def _is_for(item: pytest.Item, vendor: str) -> bool:
    return all(vendor in mark.args for mark in item.iter_markers("vendor"))


def _runs_on_postgresql(item: pytest.Item) -> bool:
    return (
        _is_for(item, "postgresql") and _uses_one(item) and not item.get_closest_marker("browser")
    )


def _uses_one(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    marked = item.get_closest_marker("django_db") or item.get_closest_marker("every_database")
    return marked is not None or not fixtures.isdisjoint({"db", "transactional_db"})


def _makes_requests(item: pytest.Item) -> bool:
    module = getattr(item, "module", None)
    clients = {"Api", "APIClient", "AsyncClient", "Client"}
    return not clients.isdisjoint(vars(module)) or "client" in getattr(item, "fixturenames", ())
