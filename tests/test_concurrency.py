"""Real threads and connections that meet on one session.

Each test runs on whatever database is configured; the isolation levels are those that it has.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse

from tests.conftest import Api
from tests.races import Racers, racers
from tokenauth import sessions
from tokenauth.access import verify_access_token
from tokenauth.exceptions import AccessInvalid, RefreshFailed, TryAgain
from tokenauth.models import AuthEvent, AuthSession, EventType

pytestmark = pytest.mark.django_db(transaction=True)

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


def is_usable(access: str) -> bool:
    """Return whether an access token is accepted."""
    try:
        verify_access_token(access)
    except AccessInvalid:
        return False
    return True


def logout(api: Api) -> Any:
    """Log out at the endpoint."""
    return api.logout(bearer=False)


def revoke(api: Api) -> Any:
    """Revoke all of the user's sessions, as staff do."""
    sessions.revoke_user_sessions(User.objects.get(username="ada"), reason="admin")
    return None


def delete_user(api: Api) -> HttpResponse | None:
    """Delete the user."""
    User.objects.get(username="ada").delete()
    return None


@pytest.mark.req("REQ-23", "REQ-38", "REQ-41")
@pytest.mark.parametrize("end", [logout, revoke, delete_user])
def test_refresh_beside_the_end(
    settings: Any, transactional_db: None, end: Callable[[Api], HttpResponse | None]
):
    """Whichever comes first, afterwards no token of the session works, the newest included."""
    settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)
    user = User.objects.create_user("ada", password="correct horse battery")
    with racers(4) as threads:
        for _ in range(50):
            if not User.objects.filter(pk=user.pk).exists():
                user = User.objects.create_user("ada", password="correct horse battery")
            first = sessions.start_session(user, client="app")
            apis = [Api() for _ in range(3)]
            ending = Api()
            ending.refresh_token = first.refresh
            responses = threads.run(
                *[lambda api=api: api.refresh(first.refresh) for api in apis],  # noqa: B023
                lambda: end(ending),  # noqa: B023 - run before the next round
            )

            statuses = [response.status_code for response in responses if response is not None]
            assert set(statuses) <= {200, 204, 401, 503}
            newest = [api.refresh_token for api in apis] + [first.refresh]
            access = [api.access for api in apis if api.access] + [first.access]
            assert not any(map(is_usable, access))
            assert {refresh_domain(token)[0] for token in newest if token} == {401}
