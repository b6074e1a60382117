"""Walk through the contract and print every answer: ``python -m tests.hostile.walk``.

Time and randomness stand still, so two projects that keep the contract print the same bytes.
"""

import hashlib
import itertools
import json
import logging
from datetime import UTC, datetime
from typing import Any

import django

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
PASSWORD = "correct horse battery"
COOKIE = "__Secure-tokenauth-refresh"


def freeze() -> Any:
    """Replace the doors of time and randomness; return the function that moves the clock."""
    from datetime import timedelta  # noqa: PLC0415 - beside its only use

    from tokenauth import system  # noqa: PLC0415 - Django is set up by now

    state = {"now": START}
    numbers = itertools.count()

    def random_bytes(length: int) -> bytes:
        return hashlib.shake_256(str(next(numbers)).encode()).digest(length)

    system.now = lambda: state["now"]
    system.random_bytes = random_bytes

    def advance(seconds: float) -> None:
        state["now"] += timedelta(seconds=seconds)

    return advance


def prepare() -> None:
    """Make the database, in memory, and two users."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - Django is set up by now
    from django.core.management import call_command  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0)
    for name in ("ada", "grace"):
        get_user_model().objects.create_user(name, password=PASSWORD)


class Walker:
    """Sends requests, and prints each answer as one line."""

    def __init__(self) -> None:
        from django.test import Client  # noqa: PLC0415 - Django is set up by now

        self.client = Client(raise_request_exception=False)
        self.access = ""

    def send(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        """Send JSON with the access token; print; return the body."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.access:
            sent.setdefault("Authorization", f"Bearer {self.access}")
        body = data if isinstance(data, bytes) else json.dumps({} if data is None else data)
        media_type = sent.pop("Content-Type", "application/json")
        response = self.client.generic(method, path, body, media_type, headers=sent)
        self.note(method, path, response)
        return json.loads(response.content or b"{}")

    def note(self, method: str, path: str, response: Any) -> None:
        """Print an answer: everything but the time of the web server."""
        headers = sorted((k, v) for k, v in response.headers.items() if k != "Set-Cookie")
        cookies = [{**c, "value": c.value, "expires": ""} for c in response.cookies.values()]
        body = response.content.decode("utf-8", "backslashreplace")
        print(json.dumps([method, path, response.status_code, headers, cookies, body]))  # noqa: T201 - its purpose


def walk(advance: Any) -> None:
    """Every endpoint, with success and with each failure that needs no second process."""
    me = Walker()
    login: dict[str, Any] = {"username": "ada", "password": PASSWORD, "device_name": "Küche 🍳"}
    for data in ({}, {**login, "password": "x"}, {**login, "client": "?"}, b"{", b"[]"):
        me.send("POST", "/auth/login/", data)
    app = me.send("POST", "/auth/login/?client=xml&format=api", {**login, "client": "app"})
    me.send("POST", "/auth/login", login)
    for method in ("GET", "PUT", "OPTIONS"):
        me.send(method, "/auth/login/")
    me.send("POST", "/auth/login/second-step/", {"challenge": "x"})
    me.send("GET", "/auth/me/")
    me.send("GET", "/auth/me/", Authorization="Bearer x")
    if "access" not in app:  # throttled
        return
    me.access = app["access"]
    for path in ("/auth/me/", "/auth/sessions/", "/auth/sessions/?format=api&page=2&sid=v1"):
        me.send("GET", path)
    for accept in ("text/html", "text/hostile", "application/json; indent=4", "*/*"):
        me.send("GET", "/auth/me/", Accept=accept)
    for media_type in ("text/plain", "application/x-www-form-urlencoded"):
        me.send("POST", "/auth/refresh/", b"refresh=x", **{"Content-Type": media_type})
    path = f"/auth/sessions/{app['session']['sid']}/"
    names: list[Any] = [{}, {"device_name": 5}, {"device_name": "x" * 101}, {"device_name": "neu"}]
    for name in names:
        me.send("PATCH", path, name)
    for password in ({}, {"password": "x"}, {"password": PASSWORD}):
        proved = me.send("POST", "/auth/reauthenticate/", password)
    if "access" in proved:
        app, me.access = proved, proved["access"]
    me.send("DELETE", "/auth/sessions/00000000-0000-7000-8000-000000000000/")
    advance(40)
    me.send("POST", "/auth/refresh/")
    me.send("POST", "/auth/refresh/")
    me.client.cookies.clear()
    for token in (app["refresh"], app["refresh"][:-1] + "A", "x", ""):
        me.send("POST", "/auth/refresh/", {"refresh": token})
    me.send("POST", "/auth/refresh/", Cookie=f"{COOKIE}=a; {COOKIE}=b")
    for scope in ("x", "others", "all"):
        me.send("POST", "/auth/sessions/revoke/", {"scope": scope})
    me.send("GET", "/auth/me/")
    me.send("POST", "/auth/refresh/", {"refresh": app["refresh"]})
    me.send("POST", "/auth/logout/", {"refresh": app["refresh"]})
    me.send("POST", "/auth/logout")


if __name__ == "__main__":
    django.setup()
    logging.disable()
    prepare()
    walk(freeze())
