"""A database that is out of reach: 503 at every endpoint, nothing half done, nobody let in.

What a cache's outage does is in ``test_counters.py``.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.db import connection

from proofs.postgresql import free_port
from tests.conftest import PASSWORD, Api
from tokenauth import system
from tokenauth.models import AuthEvent, AuthSession, RefreshToken

pytestmark = pytest.mark.django_db(transaction=True)

Outage = Callable[[], AbstractContextManager[None]]

REQUESTS: dict[str, Callable[[Api], Any]] = {
    "login": lambda api: Api().login(client="app"),
    "wrong_password": lambda api: Api().login(password="wrong"),
    "refresh": lambda api: api.refresh(),
    "logout": lambda api: api.logout(),
    "me": lambda api: api.get("/auth/me/"),
    "sessions": lambda api: api.get("/auth/sessions/"),
    "rename": lambda api: api.patch(f"/auth/sessions/{system.new_id()}/", {"device_name": "x"}),
    "revoke": lambda api: api.delete(f"/auth/sessions/{system.new_id()}/"),
    "revoke_all": lambda api: api.post("/auth/sessions/revoke/", {"scope": "all"}),
    "reauthenticate": lambda api: api.post("/auth/reauthenticate/", {"password": PASSWORD}),
}


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Outage:
    """Return what cuts the connection, and lets none be made while a block lasts."""
    elsewhere: dict[str, Any] = {"HOST": "127.0.0.1", "PORT": free_port()}
    if connection.vendor == "sqlite":
        elsewhere = {"NAME": "/nowhere/at/all"}

    @contextmanager
    def cut() -> Iterator[None]:
        connection.close()
        with monkeypatch.context() as patch:
            for name, value in elsewhere.items():
                patch.setitem(connection.settings_dict, name, value)
            yield
        connection.close()

    return cut


def rows() -> list[Any]:
    """Return all that the database holds of sessions."""
    return [list(m.objects.order_by("pk").values()) for m in (AuthSession, RefreshToken, AuthEvent)]


@pytest.mark.req("REQ-138")
@pytest.mark.parametrize("name", REQUESTS)
def test_is_503(app: Api, outage: Outage, name: str) -> None:
    """try_again with Retry-After, no cookie, and no change that is seen afterwards."""
    assert app.get("/auth/me/").status_code == 200
    before = rows()
    with outage():
        answer = REQUESTS[name](app)
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    assert int(answer["Retry-After"]) >= 1
    assert not answer.cookies
    assert rows() == before


@pytest.mark.req("REQ-138")
def test_leaves_every_token_good(app: Api, outage: Outage) -> None:
    """What was asked in vain may be asked again."""
    with outage():
        assert {app.refresh().status_code, app.get("/auth/me/").status_code} == {503}
    assert app.get("/auth/me/").status_code == 200
    assert app.refresh().status_code == 200


@pytest.mark.req("REQ-138")
def test_does_not_count_garbage_as_honest(db: None, outage: Outage) -> None:
    """What names no session needs no database to be refused."""
    with outage():
        assert Api().refresh("x").status_code == 401
        header = {"Authorization": "Bearer x"}
        assert Api().get("/auth/me/", headers=header).status_code == 401
