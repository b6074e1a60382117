"""Twenty real logins at once, by the endpoint, under a limit of the client."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import PASSWORD, Api
from tests.races import Racers, racers
from tests.test_concurrency import isolation_levels, level_in_use
from tests.test_races import insist
from tokenauth.models import AuthSession
from tokenauth.sessions import start_session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("REQ-11")]

THREADS, ROUNDS = 20, 5
CLIENTS = {
    "app": {"transport": "body", "limit": 3},
    "tablet": {"transport": "body", "limit": 1},
    "sensor": {"transport": "body"},
}


@pytest.fixture(params=isolation_levels().items(), ids=lambda level: level[0])
def threads(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Racers]:
    """Twenty threads whose connections have one isolation level."""
    name, options = request.param
    with racers(THREADS, **options) as found:
        assert set(found.run(level_in_use)) == {name}
        yield found


def log_in(name: str, client: str) -> None:
    """Log in at the endpoint, again while it answers ``try_again``."""
    insist(lambda: Api().login(name, client=client), 200)


def newest(user: User, client: str, count: int) -> list[Any]:
    """Return the ids of a user's newest sessions of a client, whatever has become of them."""
    rows = AuthSession.objects.filter(user=user, client=client)
    return list(rows.order_by("-created_at", "-pk").values_list("pk", flat=True)[:count])


def living(user: User, client: str) -> list[Any]:
    """Return the ids of those that live, the newest first."""
    rows = AuthSession.objects.filter(user=user, client=client, revoked_at=None)
    return list(rows.order_by("-created_at", "-pk").values_list("pk", flat=True))


def test_the_newest_live(settings: Any, threads: Racers) -> None:
    """Exactly three of twenty, and they are the newest; every other one ended by the limit."""
    settings.TOKENAUTH_CLIENTS = CLIENTS
    for number in range(ROUNDS):
        name = f"ada{number}"
        ada = User.objects.create_user(name, password=PASSWORD)
        threads.run(lambda: log_in(name, "app"))  # noqa: B023 - run before the next round

        assert living(ada, "app") == newest(ada, "app", 3)
        rows = AuthSession.objects.filter(user=ada)
        assert rows.count() == THREADS
        assert rows.filter(revoked_reason="limit").count() == THREADS - 3


def test_clients_and_users_apart(settings: Any, threads: Racers) -> None:
    """Logins to two clients at once each keep their own limit; another user loses nothing."""
    settings.TOKENAUTH_CLIENTS = CLIENTS
    ada = User.objects.create_user("ada", password=PASSWORD)
    bob = User.objects.create_user("bob", password=PASSWORD)
    for client in ("app", "app", "app", "tablet"):
        start_session(bob, client=client)
    sensors = [start_session(ada, client="sensor") for _ in range(4)]
    half = THREADS // 2
    logins = [lambda: log_in("ada", "app")] * half + [lambda: log_in("ada", "tablet")] * half
    threads.run(*logins)

    assert living(ada, "app") == newest(ada, "app", 3)
    assert living(ada, "tablet") == newest(ada, "tablet", 1)
    assert len(living(ada, "sensor")) == len(sensors)
    assert len(living(bob, "app") + living(bob, "tablet")) == 4
