"""A database router that sends every read to a replica: an empty one, and nothing may ask it.

Django's test runner refuses each statement to a database that a test has not named. That is more
than an empty database would do: it tells of a read even where nothing depends on the answer.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import connections
from django.test.testcases import DatabaseOperationForbidden  # type: ignore[attr-defined]  # the stubs lack it

from tests.conftest import Api, Clock
from tokenauth import sessions
from tokenauth.models import AuthSession


class Router:
    """Reads from the replica, writes to the primary, as many projects do."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Return the replica."""
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the primary."""
        return "default"

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        """Return that both are one database."""
        return True


class PrimaryBackend(ModelBackend):
    """The project's own: where its passwords are read from is its decision."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **more: Any
    ) -> Any:
        """Look the user up in the primary."""
        user = User.objects.using("default").filter(username=username).first()
        return user if user and password and user.check_password(password) else None


@pytest.fixture(autouse=True)
def replica(user: User, staff: User, settings: Any, clock: Clock) -> Iterator[None]:
    """Send the reads to an empty database, once Ada exists."""
    connections.settings["replica"] = connections.settings["default"] | {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {},
        "ATOMIC_REQUESTS": False,
    }
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.PrimaryBackend"]
    with pytest.raises(DatabaseOperationForbidden):
        AuthSession.objects.exists()
    yield
    connections["replica"].close()
    del connections["replica"]
    del connections.settings["replica"]


@pytest.mark.parametrize("client", ["browser", "app"])
def test_a_session_from_login_to_logout(clock: Clock, client: str):
    """Every statement that decides goes to the primary: all of it works."""
    api, other = Api(), Api()
    assert api.login(client=client).status_code == 200
    assert other.login().status_code == 200
    assert api.login(client=client).status_code == 200
    assert api.whoami().status_code == 200
    clock.advance(hours=1)
    assert api.refresh().status_code == 200
    assert api.refresh().status_code == 200
    listed = api.get("/auth/sessions/").json()["sessions"]
    own = next(session["sid"] for session in listed if session["current"])
    assert api.get("/auth/me/").status_code == 200
    assert api.patch(f"/auth/sessions/{own}/", {"device_name": "x"}).status_code == 200
    assert api.post("/auth/sessions/revoke/", {"scope": "others"}).status_code == 200
    assert other.refresh().status_code == 401
    assert api.logout().status_code == 204
    assert api.whoami().status_code == 401
    assert api.refresh().status_code == 401


def test_late_answer_and_reuse(clock: Clock):
    """So do a late answer, and reuse."""
    api = Api()
    api.login(client="app")
    oldest = api.refresh_token
    clock.advance(hours=1)
    api.refresh()
    clock.advance(hours=1)
    assert api.refresh(oldest).status_code == 200
    clock.advance(hours=1)
    assert api.refresh().status_code == 200
    clock.advance(hours=1)

    assert api.refresh(oldest).json()["reason"] == "reuse"


def test_domain(user: User, staff: User):
    """So do the functions that other entrances call."""
    tokens = sessions.start_session(user, client="app")
    here = sessions.start_session(user, client="app").session
    assert len(sessions.active_sessions(user)) == 2
    user.set_password("a new one")
    user.save()
    sessions.renew_after_password_change(here, user)
    assert not sessions.revoke_session(tokens.session, reason="admin", actor=staff)
    assert sessions.revoke_user_sessions(user, reason="admin", actor=staff) == 1

    assert AuthSession.objects.using("default").filter(revoked_at=None).count() == 0
