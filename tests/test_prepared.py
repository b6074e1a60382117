"""Prepared statements on PostgreSQL, where the project lets the driver prepare them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from tests.domain import refresh, row, start
from tests.test_statement_counts import counting
from tokenauth import prepared
from tokenauth.prepared import execute
from tokenauth.statements import load_session

pytestmark = [pytest.mark.vendor("postgresql"), pytest.mark.django_db(transaction=True)]

SQL = "SELECT %s::int + 1"


@pytest.fixture
def option(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set options of the database; the connection is a new one before and afterwards."""

    def set_options(**options: Any) -> None:
        connection.close()
        monkeypatch.setitem(
            connection.settings_dict, "OPTIONS", {**connection.settings_dict["OPTIONS"], **options}
        )

    yield set_options
    monkeypatch.undo()
    connection.close()


def verbs(run: Callable[[], Any], times: int = 1) -> list[str]:
    """Return the first words of the statements that ``run`` makes."""
    with counting() as count:
        for _ in range(times):
            run()
    return [sql.split()[0] for sql in count.statements]


def add_one() -> None:
    """Run the statement, and look at its answer."""
    assert execute(connection, SQL, (41,)) == (42,)


class TestExecute:
    def test_prepares_nothing_unless_it_may(self):
        """Django's default: a pooler would lose it."""
        assert verbs(add_one, times=9) == ["SELECT"] * 9

    def test_prepares_what_has_run_so_often(self, option: Callable[..., None]):
        """As the driver's own option says: once for each connection."""
        option(prepare_threshold=2)
        assert verbs(add_one, times=4) == ["SELECT", "SELECT", "PREPARE", "EXECUTE", "EXECUTE"]
        connection.close()
        assert verbs(add_one) == ["SELECT"]

    def test_leaves_it_to_the_driver_that_binds_on_the_server(self, option: Callable[..., None]):
        """It then prepares every statement by itself."""
        option(prepare_threshold=0, server_side_binding=True)
        assert verbs(add_one, times=2) == ["QUERY", "QUERY"]  # as Django logs what it binds there

    def test_prepares_nothing_in_a_transaction(self, option: Callable[..., None]):
        """One that is gone would end it."""
        option(prepare_threshold=0)
        with transaction.atomic():
            assert verbs(add_one) == ["SELECT"]
        assert verbs(add_one) == ["PREPARE", "EXECUTE"]

    def test_goes_on_without_one_that_is_gone(self, option: Callable[..., None]):
        """A pooler that was not declared, or somebody's ``DISCARD ALL``: for ever after."""
        option(prepare_threshold=0)
        add_one()
        with connection.cursor() as cursor:
            cursor.execute("DISCARD ALL")
        assert verbs(add_one, times=2) == ["EXECUTE", "SELECT", "SELECT"]

    def test_goes_on_beside_one_of_the_same_name(self, option: Callable[..., None]):
        """Another process has prepared it on a connection that a pooler has given us."""
        option(prepare_threshold=0)
        name, text = prepared._text(SQL)
        with connection.cursor() as cursor:
            cursor.execute(f"PREPARE {name} AS {text}")
        assert verbs(add_one, times=2) == ["PREPARE", "SELECT", "SELECT"]

    def test_raises_what_the_statement_raises(self, option: Callable[..., None], user: User):
        """Only what was lost before it began is repeated."""
        option(prepare_threshold=0)
        sql = "INSERT INTO auth_user (id) VALUES (%s::int) RETURNING id"
        with pytest.raises(IntegrityError):
            execute(connection, sql, (user.pk,))
        assert verbs(add_one) == ["PREPARE", "EXECUTE"]

    def test_no_row_is_none(self, option: Callable[..., None]):
        """As without it."""
        option(prepare_threshold=0)
        assert execute(connection, "SELECT 1 WHERE %s::int > 1", (1,)) is None


class TestHotPath:
    def test_a_refresh_is_two_prepared_statements(
        self, option: Callable[..., None], user: User, settings: Any
    ):
        """From the second on a connection, if the threshold is one."""
        settings.TOKENAUTH_GRACE_PERIOD = timedelta()
        option(prepare_threshold=1)
        tokens = start(user)
        first = refresh(tokens)
        refreshed = []
        assert verbs(lambda: refreshed.append(refresh(first))) == ["PREPARE", "EXECUTE"] * 2
        assert verbs(lambda: refreshed.append(refresh(refreshed[0]))) == ["EXECUTE"] * 2
        assert row(tokens).generation == 3
        assert row(tokens).refresh_tokens.count() == 4

    def test_an_altered_table_is_read_as_it_is(self, option: Callable[..., None], user: User):
        """A migration beside a process that runs: the plan no longer fits."""
        option(prepare_threshold=0)
        tokens = start(user)
        assert load_session(tokens.session.pk) is not None
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE tokenauth_authsession ALTER device_name TYPE text")
        loaded = []
        try:
            run = verbs(lambda: loaded.append(load_session(tokens.session.pk)))
        finally:
            with connection.cursor() as cursor:
                cursor.execute(
                    "ALTER TABLE tokenauth_authsession ALTER device_name TYPE varchar(100)"
                )
        assert run == ["EXECUTE", "SELECT"]
        assert loaded[0] is not None
        assert loaded[0].user.username == "ada"
