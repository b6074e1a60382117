"""The tables: keys, defaults, indexes."""

import uuid
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api, Clock
from tests.domain import end_reason, refresh, row, start
from tokenauth import sessions, system
from tokenauth.audit import HISTORY_KEPT
from tokenauth.issuing import issue_tokens
from tokenauth.models import AuthEvent, AuthSession, RefreshToken


class TestMigrations:
    @pytest.mark.parametrize(
        "field", ["django.db.models.AutoField", "django.db.models.BigAutoField"]
    )
    def test_complete(self, db: None, settings: Any, field: str):
        """The models and the migrations agree, whatever key the project prefers."""
        settings.DEFAULT_AUTO_FIELD = field
        call_command("makemigrations", "tokenauth", check=True, dry_run=True, stdout=StringIO())

    @pytest.mark.django_db(transaction=True)
    def test_there_and_back(self):
        """The first migration can be undone and done again."""
        call_command("migrate", "tokenauth", "zero", verbosity=0)
        assert "tokenauth_authsession" not in connection.introspection.table_names()
        call_command("migrate", "tokenauth", verbosity=0)

        assert not AuthSession.objects.exists()


class TestText:
    def test_str(self, user: User, clock: Clock):
        """Rows name themselves by what may be seen."""
        session = row(start(user))

        assert str(session) == str(session.pk)
        assert str(RefreshToken.objects.get()) == f"{session.pk} #0"
        assert str(AuthEvent.objects.get()) == f"login {clock():%Y-%m-%d %H:%M:%S}"


class TestKeys:
    def test_time_ordered(self, user: User, clock: Clock):
        """A session's id is a version 7 UUID, later ones sort after earlier ones."""
        first = start(user).session.pk
        clock.advance(seconds=1)
        second = start(user).session.pk

        assert first.version == second.version == 7
        assert first < second

    def test_no_constraint_to_a_user(self, user: User, staff: User):
        """A write that commits beside the deletion of its user cannot fail for it."""
        tokens = start(user)
        AuthSession.objects.update(user_id=987654, revoked_by_id=987655)
        AuthEvent.objects.update(user_id=987654, actor_id=987655)
        connection.check_constraints()

        assert row(tokens).user_id == 987654


def fill(users: int, each: int) -> None:
    """Make so many rows that a plan over all of them is the worse one."""
    now = system.now()
    people = User.objects.bulk_create(User(username=f"u{number}") for number in range(users))
    made = [
        AuthSession(
            user=person, client="app", transport="body", seed=bytes(32), rotated_at=now,
            created_at=now, last_seen_at=now, expires_at=now, absolute_expires_at=now,
            auth_time=now,
        )
        for person in people
        for _ in range(each)
    ]  # fmt: skip
    AuthSession.objects.bulk_create(made)
    RefreshToken.objects.bulk_create(
        RefreshToken(session_id=session.pk, generation=number, issued_at=now)
        for session in made
        for number in range(2)
    )
    AuthEvent.objects.bulk_create(
        AuthEvent(created_at=now, type="login", user_id=session.user_id, session_id=session.pk)
        for session in made
    )


def live_and_die(user: User, clock: Clock) -> None:
    """Do everything that looks up a session: at the endpoints, and in the domain."""
    app = Api()
    app.login(client="app")
    app.whoami()
    clock.advance(hours=1)
    first = app.refresh_token
    app.refresh()
    app.refresh(first)
    app.get("/auth/sessions/")
    app.delete(f"/auth/sessions/{uuid.uuid4()}/")
    app.post("/auth/sessions/revoke/", {"scope": "others"})
    app.logout()
    sessions.rename_session(row(start(user)), "phone")
    sessions.renew_after_password_change(row(start(user)), user)
    AuthSession.objects.filter(user=user).update(generation=HISTORY_KEPT - 1, floor=0)
    old = issue_tokens(sessions.active_sessions(user)[0], clock(), with_refresh=True)
    clock.advance(hours=1)
    newest = refresh(old)
    clock.advance(hours=1)
    refresh(newest)
    end_reason(old)
    user.delete()


@pytest.mark.vendor("postgresql", "mysql")
@pytest.mark.django_db(transaction=True)  # MariaDB commits before it analyses a table
def test_every_look_up_has_an_index(user: User, clock: Clock):
    """No statement of a session's whole life reads a table from end to end."""
    fill(users=200, each=10)
    with connection.cursor() as cursor:
        for model in (AuthSession, RefreshToken, AuthEvent, User):
            words = "ANALYZE TABLE" if connection.vendor == "mysql" else "ANALYZE"
            cursor.execute(f"{words} {model._meta.db_table}")
    with CaptureQueriesContext(connection) as captured:
        live_and_die(user, clock)
    statements = [query["sql"] for query in captured.captured_queries if is_ours(query["sql"])]

    verbs = {sql.split()[0] for sql in statements}
    assert verbs - {"WITH"} == {"SELECT", "UPDATE", "DELETE"}
    assert len(statements) > 30
    assert {sql for sql in statements if reads_everything(sql)} == set()


def is_ours(sql: str) -> bool:
    """Return whether a statement looks something up in our tables."""
    return "tokenauth_" in sql and "WHERE" in sql


def reads_everything(sql: str) -> bool:
    """Return whether the database plans to read one of our tables from end to end."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Of a small table it would rather read all, whatever indexes there are.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        plan = cursor.fetchall()
    if connection.vendor == "postgresql":
        return any("Seq Scan on tokenauth_" in line for (line,) in plan)
    # id, select_type, table, type, possible_keys, key, ...: type ALL is a full scan.
    return any(line[3] == "ALL" and str(line[2]).startswith("tokenauth_") for line in plan)
