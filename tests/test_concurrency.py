"""Real threads and connections that meet on one session.

Each test runs on whatever database is configured; the isolation levels are those that it has.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.conftest import Api
from tests.races import Racers, racers
from tokenauth import sessions
from tokenauth.exceptions import RefreshFailed, TryAgain
from tokenauth.models import AuthEvent, AuthSession, EventType

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limits")]

THREADS = 8
ROUNDS = 200
Refresh = Callable[[str], tuple[int, str | None]]


def isolation_levels() -> dict[str, dict[str, Any]]:
    """Return the connection options of each isolation level that the database has."""
    if connection.vendor == "sqlite":
        return {"serializable": {}}
    if connection.vendor == "mysql":
        names = ("read committed", "repeatable read", "serializable")
        return {name: {"isolation_level": name} for name in names}
    # Not Django's option: it sets the level of blocks of atomic() alone, and what counts here is
    # the level of single statements.
    return {
        name: {"options": f"-c default_transaction_isolation={name.replace(' ', chr(92) + ' ')}"}
        for name in ("read committed", "repeatable read", "serializable")
    }


def level_in_use() -> str:
    """Return the isolation level of this thread's connection, as the database names it."""
    if connection.vendor == "sqlite":
        return "serializable"
    query = "SHOW transaction_isolation"
    if connection.vendor == "mysql":
        query = "SELECT @@session.tx_isolation"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0]).lower().replace("-", " ")


@pytest.fixture(params=isolation_levels().items(), ids=lambda level: level[0])
def threads(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Racers]:
    """Eight threads whose connections have one isolation level."""
    name, options = request.param
    with racers(THREADS, **options) as found:
        assert set(found.run(level_in_use)) == {name}
        yield found


def refresh_domain(token: str) -> tuple[int, str | None]:
    """Refresh by the function; return the status that an endpoint gives, and the token."""
    try:
        return 200, sessions.rotate(token, transport="body").refresh
    except TryAgain:
        return 503, None
    except RefreshFailed:
        return 401, None


def refresh_http(token: str) -> tuple[int, str | None]:
    """Refresh at the endpoint."""
    response = Api().refresh(token)
    answer = response.json()
    if response.status_code == 503:
        assert answer["code"] == "try_again"
    return response.status_code, answer.get("refresh")


@pytest.mark.req("REQ-14", "REQ-17")
@pytest.mark.parametrize("refresh", [refresh_domain, refresh_http])
def test_one_refresh_token(user: User, settings: Any, threads: Racers, refresh: Refresh):
    """Eight at once, two hundred times, without a grace: one successor each time."""
    settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)
    token = str(sessions.start_session(user, client="app").refresh)
    for generation in range(1, ROUNDS + 1):
        answers = threads.run(lambda: refresh(token))  # noqa: B023 - run before the next round
        successors = {sent for status, sent in answers if status == 200}

        assert {status for status, _ in answers} <= {200, 503}
        assert len(successors) == 1
        assert AuthSession.objects.get().generation == generation
        token = str(successors.pop())
    assert refresh(token)[0] == 200
    assert not AuthEvent.objects.exclude(type=EventType.LOGIN).exists()
