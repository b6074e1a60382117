"""Words for tests of the list of sessions: rows of any age and state, and what the page lists."""

from collections.abc import Iterable
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import Clock
from tokenauth import sessions, system
from tokenauth.conf import config
from tokenauth.models import AuthSession

LIST = "/admin/tokenauth/authsession/"
IDLE, ABSOLUTE = timedelta(days=14), timedelta(days=30)


@contextmanager
def at(clock: Clock, moment: datetime) -> Any:
    """Let it be another time for a while."""
    now, clock.time = clock.time, moment
    yield
    clock.time = now


def make(
    clock: Clock, user: Any, *, age: float = 0, silent: float = 0, **facts: Any
) -> AuthSession:
    """Return a session that began ``age`` days ago and was last used ``silent`` days ago, unsaved.

    Its id and its end are those that the package gives such a session.
    """
    began = clock() - timedelta(days=age)
    seen = clock() - timedelta(days=min(age, silent))
    with at(clock, began):
        session = copy(sessions._new_session(user, config.client("app"), began, ORIGIN))
        session.pk = system.new_id()
    session.last_seen_at = seen
    session.expires_at = min(seen + IDLE, began + ABSOLUTE)
    for name, value in facts.items():
        setattr(session, name, value)
    return session


ORIGIN = sessions.Origin("192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0")


def save(rows: Iterable[AuthSession]) -> list[AuthSession]:
    """Save sessions, in one statement."""
    return AuthSession.objects.bulk_create(rows)


def listed(client: Client, query: dict[str, Any]) -> set[Any]:
    """Return the ids of all sessions that the list has for a query, on whatever page."""
    response = client.get(LIST, query)
    assert response.status_code == 200, response.headers
    return set(response.context["cl"].queryset.values_list("pk", flat=True))


def statements(client: Client, query: dict[str, Any]) -> int:
    """Return how many statements the list costs."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(LIST, query).status_code == 200
    control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return sum(not query["sql"].startswith(control) for query in captured.captured_queries)
