"""One user with 10,000 sessions, among 20,000 of others, costs nobody else anything.

Counted, not timed: the statements of a request, and the rows that the database reads for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.conftest import PASSWORD, Api, Clock
from tests.domain import row, start
from tests.test_statement_counts import counting
from tokenauth.limits import LIMIT_BATCH
from tokenauth.models import AuthSession
from tokenauth.moves import DEVICES_COMPARED
from tokenauth.sessions import MAX_LISTED

pytestmark = [
    pytest.mark.vendor("postgresql", "mysql"),
    pytest.mark.req("REQ-139"),
]

CROWD, OTHERS, OTHER_USERS = 10_000, 20_000, 1000
FEW = 30
"""So many rows a request may read beside those that it is about: of users, and of other tables."""

LIMITED = {"app": {"transport": "body", "limit": 3}}
TABLE = AuthSession._meta.db_table


@dataclass(frozen=True)
class Cost:
    """What a request asked of the database."""

    statements: int
    rows: int


def rows_read() -> int:
    """Return how many rows this connection has read so far."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT SUM(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0))"
                " FROM pg_stat_xact_user_tables"
            )
            return int(cursor.fetchone()[0] or 0)
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


def cost_of(act: Callable[[], Any]) -> Cost:
    """Do something that is answered with a success; return what it cost."""
    of_asking = -rows_read() + rows_read()
    before = rows_read()
    with counting() as count:
        answer = act()
    assert answer.status_code in {200, 204}, answer.content
    return Cost(count.total, rows_read() - before - of_asking)


def multiply(session: AuthSession, count: int, *, users: int = 1) -> None:
    """Copy a session so often, a millisecond apart; for so many users, from its own key on."""
    key, step, series = {
        "postgresql": (
            "gen_random_uuid()",
            "created_at - n * interval '1 millisecond'",
            "generate_series(1, %s) AS n",
        ),
        "mysql": (
            "UUID()",
            "created_at - INTERVAL n * 1000 MICROSECOND",
            "(SELECT seq AS n FROM seq_1_to_100000 WHERE seq <= %s) AS numbers",
        ),
    }[connection.vendor]
    changed = {"id": key, "created_at": step, "user_id": f"user_id + n %% {users}"}
    columns = [str(field.column) for field in AuthSession._meta.concrete_fields]
    chosen = ", ".join(changed.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} ({', '.join(columns)})"  # noqa: S608 - names of our model
            f" SELECT {chosen} FROM {TABLE}, {series} WHERE id = %s",
            [count, AuthSession._meta.pk.get_db_prep_value(session.pk, connection)],
        )


def settle() -> None:
    """Tell the planner what is there; MariaDB finds out itself, and would commit."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {TABLE}")


@pytest.fixture
def others(db: None, clock: Clock) -> None:
    """Twenty sessions each of a thousand users, who need not be there."""
    somebody = User.objects.create_user("somebody")
    session = row(start(somebody))
    User.objects.filter(pk=somebody.pk).delete()
    AuthSession.objects.filter(pk=session.pk).update(user_id=somebody.pk + 1000)
    multiply(session, OTHERS, users=OTHER_USERS)
    settle()


@pytest.fixture
def crowded(user: User, others: None, clock: Clock) -> User:
    """Ada, who has ten thousand living sessions."""
    crowd(user)
    return user


def crowd(user: User) -> None:
    """Give a user ten thousand living sessions."""
    multiply(row(start(user)), CROWD)
    settle()


def phone_of(name: str, clock: Clock) -> Api:
    """Return a client of a user, with a generation in use, a minute after its login."""
    api = Api()
    assert api.login(name, client="app").status_code == 200
    assert api.whoami().status_code == 200
    clock.advance(seconds=60)
    return api


REQUESTS: dict[str, Callable[[Api, str], Any]] = {
    "login": lambda _, name: Api().login(name, client="app"),
    "refresh": lambda api, _: api.refresh(),
    "request": lambda api, _: api.whoami(),
    "list": lambda api, _: api.get("/auth/sessions/"),
    "revoke all": lambda api, _: api.post("/auth/sessions/revoke/", {"scope": "all"}),
}


def costs(name: str, clock: Clock) -> dict[str, Cost]:
    """Return what each request of a user costs, in this order."""
    User.objects.create_user(name, password=PASSWORD)
    api = phone_of(name, clock)
    return {kind: cost_of(lambda: ask(api, name)) for kind, ask in REQUESTS.items()}  # noqa: B023 - done at once


@pytest.mark.parametrize("clients", [None, LIMITED], ids=["unlimited", "limited"])
def test_others_pay_nothing(
    user: User, others: None, clock: Clock, settings: Any, clients: Any
) -> None:
    """Another user's requests cost the same without the crowd and beside it."""
    if clients is not None:
        settings.TOKENAUTH_CLIENTS = clients
    without = costs("bob", clock)
    crowd(user)
    beside = costs("eve", clock)

    for kind, cost in beside.items():
        assert cost.statements == without[kind].statements
        # A page of an index may hold a row's older version as well, or not.
        assert cost.rows <= without[kind].rows + 2
        assert cost.rows < FEW


class TestCrowdedUser:
    @pytest.mark.parametrize("kind", ["refresh", "request"])
    def test_in_a_session_pays_nothing(self, crowded: User, clock: Clock, kind: str) -> None:
        """What is done in one session reads that one."""
        api = phone_of("ada", clock)
        assert cost_of(lambda: REQUESTS[kind](api, "ada")).rows < FEW

    def test_login_reads_what_it_compares(self, crowded: User) -> None:
        """Whether a device is new is looked up among the newest sessions."""
        assert cost_of(lambda: Api().login(client="app")).rows < DEVICES_COMPARED + FEW

    def test_list_reads_what_it_shows(self, crowded: User, clock: Clock) -> None:
        """And no more."""
        api = phone_of("ada", clock)
        cost = cost_of(lambda: api.get("/auth/sessions/"))
        # Each with its user.
        assert cost.rows < 2 * MAX_LISTED + FEW

    def test_first_login_under_a_limit_is_bounded(self, crowded: User, settings: Any) -> None:
        """Ten thousand end in batches, each of one SELECT, one UPDATE and one INSERT."""
        settings.TOKENAUTH_CLIENTS = LIMITED
        cost = cost_of(lambda: Api().login(client="app"))
        batches = CROWD // LIMIT_BATCH + 1
        assert AuthSession.objects.filter(user=crowded, revoked_at=None).count() == 3
        assert cost.statements <= 6 + 3 * batches

    def test_next_login_reads_the_own_sessions(self, crowded: User, settings: Any) -> None:
        """Of the user alone, those that have ended too until they are pruned."""
        settings.TOKENAUTH_CLIENTS = LIMITED
        Api().login(client="app")
        # As few among all as on a real site: of a third of them no index would be used.
        multiply(AuthSession.objects.exclude(user=crowded)[0], 3 * OTHERS, users=OTHER_USERS)
        settle()
        cost = cost_of(lambda: Api().login(client="app"))
        assert cost.statements == 9
        assert cost.rows < CROWD + DEVICES_COMPARED + FEW

    def test_revoking_all_is_three_statements(self, crowded: User, clock: Clock) -> None:
        """However many they are."""
        api = phone_of("ada", clock)
        cost = cost_of(lambda: api.post("/auth/sessions/revoke/", {"scope": "all"}))
        assert cost.statements == 3
        assert not AuthSession.objects.filter(user=crowded, revoked_at=None).exists()
