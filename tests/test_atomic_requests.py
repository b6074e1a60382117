"""``ATOMIC_REQUESTS``: what a failed request has ended stays ended."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.conftest import PASSWORD, Api, Clock
from tests.domain import events
from tokenauth.models import AuthSession
from tokenauth.sessions import rotate, start_session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

COLUMNS = "revoked_reason, revoked_at IS NULL, end_recorded_at IS NULL"


def failing_view(request: HttpRequest) -> HttpResponse:
    """Write, and fail: what a transaction round the request undoes."""
    AuthSession.objects.update(device_name="written")
    raise RuntimeError("after the write")


urlpatterns = [path("auth/", include("tokenauth.urls")), path("failing", failing_view)]


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic_requests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run each test without and with ``ATOMIC_REQUESTS``."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", request.param)
    return bool(request.param)


def committed(columns: str = COLUMNS) -> list[tuple[Any, ...]]:
    """Return the sessions as another connection to the database sees them."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM tokenauth_authsession")  # noqa: S608 - constants
            return [tuple(row) for row in cursor.fetchall()]
    finally:
        other.close()


def test_setting_is_on(app: Api, atomic_requests: bool) -> None:  # noqa: FBT001 - a fixture
    """An ordinary view loses its writes when it fails, and only under ``ATOMIC_REQUESTS``."""
    assert app.get("/failing").status_code == 500
    assert committed("device_name") == [("" if atomic_requests else "written",)]


@pytest.mark.req("REQ-29")
def test_reuse_stays_recorded(clock: Clock, app: Api, new_api: Callable[..., Api]) -> None:
    """The 401 for a reused token leaves the session revoked, and its newest tokens dead."""
    first = str(app.refresh_token)
    for _ in range(2):
        clock.advance(seconds=31)
        app.refresh()
    clock.advance(seconds=31)
    response = new_api().refresh(first)
    assert (response.status_code, response.json()["reason"]) == (401, "reuse")
    assert committed() == [("reuse", 0, 0)]
    assert app.get("/auth/me/").status_code == 401
    assert app.refresh().status_code == 401


@pytest.mark.req("REQ-29")
def test_expiry_stays_recorded(clock: Clock, app: Api) -> None:
    """The 401 for an expired session leaves the record of its end, and no revocation."""
    clock.advance(days=15)
    assert app.refresh().json()["reason"] == "expired"
    assert committed() == [("", 1, 0)]


@pytest.mark.req("REQ-29")
def test_end_of_the_account_stays_recorded(clock: Clock, app: Api, user: User) -> None:
    """The 401 after a change of password leaves the session revoked."""
    user.set_password("another one")
    user.save()
    assert app.refresh().json()["reason"] == "account"
    assert committed() == [("password", 0, 0)]


def test_logout_and_revocation_are_committed(app: Api, new_api: Callable[..., Api]) -> None:
    """What an answer says is true for every other connection by then."""
    other = new_api()
    other.login(client="app")
    assert app.post("/auth/sessions/revoke/", {"scope": "others"}).json() == {"revoked": 1}
    assert app.logout().status_code == 204
    assert sorted(row[0] for row in committed()) == ["logout", "user"]


@pytest.mark.req("REQ-29", "REQ-51")
def test_step_up_is_committed(app: Api) -> None:
    """Also for every other connection by then; and so is the trace of a wrong password."""
    assert app.post("/auth/reauthenticate/", {"password": "wrong"}).status_code == 401
    assert app.post("/auth/reauthenticate/", {"password": PASSWORD}).status_code == 200
    assert committed("generation, floor") == [(2, 2)]
    assert events("login_failed", "step_up") == [("login_failed", ""), ("step_up", "")]


@pytest.mark.req("REQ-13", "REQ-29")
def test_second_step_is_committed(user: User, api: Api, settings: Any) -> None:
    """So is the trace of a wrong answer."""
    settings.TOKENAUTH_LOGIN_GATE = "tests.test_views_second_step.gate"
    settings.TOKENAUTH_SECOND_STEP = "tests.test_views_second_step.verify"
    challenge = api.login(client="app").json()["challenge"]["token"]
    for code in ("000000", "123456"):
        api.post("/auth/login/second-step/", {"challenge": challenge, "code": code})
    assert committed("amr")[0][0] in ('["pwd", "otp", "mfa"]', ["pwd", "otp", "mfa"])
    assert events("login_failed", "login") == [("login_failed", ""), ("login", "")]


def test_rotate_refuses_a_transaction(user: User) -> None:
    """Inside atomic() a rollback could undo a revocation: RuntimeError, and nothing changed."""
    token = str(start_session(user, client="app").refresh)
    with transaction.atomic(), pytest.raises(RuntimeError):
        rotate(token, transport="body")
    assert committed() == [("", 1, 1)]
    assert rotate(token, transport="body").session.generation == 0
