"""Whatever is too big is refused before it costs anything: no hash, and no query of its own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import PASSWORD, Api
from tests.hashing import ITERATIONS, QUICK, hashing

MEGABYTE = "x" * 2**20
NEARLY_ALL = "x" * (2**16 - 100)
"""As much as a body may have, with its other members."""

REFRESH = "__Secure-tokenauth-refresh"
ACCESS = "__Host-Http-tokenauth-access"
DEEP = '{"password": ' + "[" * 30_000 + "]" * 30_000 + "}"
WIDE = '{"a": ' + ", ".join(f'"{number}": 0' for number in range(9000)) + "}"

Send = Callable[[Api], Any]


def login(password: str) -> Send:
    """Log in with this password."""
    return lambda api: Api().login(password=password, client="app")


def refresh(**extra: Any) -> Send:
    """Refresh with these headers."""
    return lambda api: Api().post("/auth/refresh/", headers=extra)


def raw(path: str, body: str) -> Send:
    """Send a body as it is."""
    return lambda api: api.http.post(path, body, "application/json")


# By name: the request, and the statuses that it may get.
REQUESTS: dict[str, tuple[Send, int]] = {
    "password": (login(MEGABYTE), 400),
    "password_in_a_body_that_is_read": (login(NEARLY_ALL), 400),
    "password_above_djangos_limit": (login("x" * 4097), 400),
    "user_name": (lambda api: Api().login(MEGABYTE, client="app"), 400),
    "user_name_that_is_read": (lambda api: Api().login(NEARLY_ALL, client="app"), 400),
    "client": (lambda api: Api().login(client=NEARLY_ALL), 400),
    "refresh_token": (lambda api: Api().refresh(MEGABYTE), 400),
    "refresh_token_that_is_read": (lambda api: Api().refresh(NEARLY_ALL), 400),
    "refresh_token_of_letters": (lambda api: Api().refresh("A" * 4000), 401),
    "refresh_cookie": (refresh(Cookie=f"{REFRESH}={MEGABYTE}"), 401),
    "cookie_of_another_name": (refresh(Cookie=f"other={MEGABYTE}"), 401),
    "many_cookies": (refresh(Cookie="; ".join(f"c{n}=1" for n in range(50_000))), 401),
    "access_token": (
        lambda api: Api().get("/auth/me/", headers={"Authorization": f"Bearer {MEGABYTE}"}),
        401,
    ),
    "access_token_of_three_parts": (
        lambda api: Api().get(
            "/auth/me/", headers={"Authorization": f"Bearer {MEGABYTE}.{MEGABYTE}.{MEGABYTE}"}
        ),
        401,
    ),
    "access_cookie": (
        lambda api: Api().get("/auth/me/", headers={"Cookie": f"{ACCESS}={MEGABYTE}"}),
        401,
    ),
    "scheme": (lambda api: Api().get("/auth/me/", headers={"Authorization": MEGABYTE}), 401),
    "deep_json": (raw("/auth/login/", DEEP), 400),
    "wide_json": (raw("/auth/login/", WIDE), 400),
    "logout": (lambda api: Api().post("/auth/logout/", {"refresh": MEGABYTE}), 400),
    "logout_by_cookie": (
        lambda api: Api().post("/auth/logout/", headers={"Cookie": f"{REFRESH}={MEGABYTE}"}),
        204,
    ),
}


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    """A hasher that is counted; and the access cookie, so that it is read."""
    settings.PASSWORD_HASHERS = [QUICK]
    settings.TOKENAUTH_ACCESS_COOKIE = True


@pytest.mark.req("REQ-135")
@pytest.mark.parametrize("name", REQUESTS)
def test_costs_nothing(app: Api, name: str) -> None:
    """No hash, no query, and a short answer."""
    send, status = REQUESTS[name]
    with hashing() as hashes, CaptureQueriesContext(connection) as queries:
        answer = send(app)
    assert answer.status_code == status
    assert (hashes, [query["sql"] for query in queries]) == ([], [])
    assert len(answer.content) < 500


@pytest.mark.req("REQ-135")
@pytest.mark.parametrize("password", [MEGABYTE, NEARLY_ALL, "x" * 4097])
def test_password_of_a_step_up_costs_no_hash(app: Api, password: str) -> None:
    """One query for the access token, as for every request with one."""
    with hashing() as hashes, CaptureQueriesContext(connection) as queries:
        answer = app.post("/auth/reauthenticate/", {"password": password})
    assert (answer.status_code, hashes, len(queries)) == (400, [], 1)


@pytest.mark.req("REQ-135")
def test_longest_password_costs_one_hash(app: Api) -> None:
    """Of as many iterations as any other; what Django takes is tried, and not cut."""
    with hashing() as hashes:
        answer = login("x" * 4096)(app)
    assert (answer.json()["code"], hashes) == ("login_failed", [ITERATIONS])


@pytest.mark.req("REQ-135")
def test_longest_honest_body_is_read(app: Api) -> None:
    """White space does not count against what is in it."""
    body = json.dumps({"username": "ada", "password": PASSWORD, "client": "app"}).ljust(2**16)
    answer = app.http.post("/auth/login/", body, "application/json")
    assert answer.status_code == 200
