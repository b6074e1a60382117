"""The demo project without a browser: its settings, its command, its endpoint."""

import json
import sqlite3
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.demo.server import Demo

IN_PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ALLOWED_HOSTS": "example.com",
    "CACHE_URL": "rediscache://127.0.0.1:6379/0",
}

LOSES_AN_ANSWER = """
from django.test import Client
client = Client(headers={"host": "example.com"})
print(b"Lose the next response" in client.get("/").content)
client.cookies["demo-lose-answer"] = "1"
print(client.post("/auth/refresh/").status_code == 504)
"""


def users(demo: Demo) -> dict[str, tuple[Any, ...]]:
    """Return (password hash, is staff, is superuser) by username, as the database has them."""
    statement = "SELECT username, password, is_staff, is_superuser FROM auth_user"
    with closing(sqlite3.connect(demo.database)) as connection:
        rows = connection.execute(statement).fetchall()
    return {username: tuple(rest) for username, *rest in rows}


def ask(method: str, url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request and return status and JSON, errors included."""
    data = None if body is None else json.dumps(body).encode()
    where = urlsplit(url)
    with closing(HTTPConnection(where.netloc, timeout=20)) as connection:
        connection.request(
            method, where.path, data, {"Content-Type": "application/json", **headers}
        )
        response = connection.getresponse()
        return response.status, json.load(response)


class TestSettings:
    def test_public_key_is_refused_without_debug(self, tmp_path: Path) -> None:
        """A server whose signing key is in the repository does not start."""
        done = Demo(tmp_path, DEBUG="false", ALLOWED_HOSTS="example.com").manage("check")
        assert done.returncode != 0
        assert "ImproperlyConfigured: Set SECRET_KEY" in done.stderr

    def test_deploy_checks_are_clean_without_debug(self, tmp_path: Path) -> None:
        """With DEBUG off, a key and a host, `check --deploy` has nothing to say."""
        demo = Demo(tmp_path, **IN_PRODUCTION)
        done = demo.manage("check", "--deploy", "--fail-level=WARNING")
        assert done.returncode == 0, done.stderr

    def test_deploy_checks_complain_under_debug(self, tmp_path: Path) -> None:
        """The settings of a laptop are not passed off as fit for deployment."""
        done = Demo(tmp_path).manage("check", "--deploy", "--fail-level=WARNING")
        assert done.returncode != 0
        assert "security.W018" in done.stderr

    def test_wrong_lifetime_from_the_environment_is_an_error(self, tmp_path: Path) -> None:
        """The environment variable of the demo goes through the checks of the app."""
        done = Demo(tmp_path, ACCESS_TOKEN_SECONDS="-1").manage("check")
        assert done.returncode != 0
        assert "tokenauth.E" in done.stderr

    def test_schema_is_valid(self, demo: Demo) -> None:
        """The OpenAPI document of the whole demo validates, without a warning."""
        done = demo.manage("spectacular", "--validate", "--fail-on-warn")
        assert done.returncode == 0, done.stderr
        assert "/auth/refresh/" in done.stdout


class TestDemoSetup:
    def test_users_have_the_rights_that_it_says(self, demo: Demo) -> None:
        """`demo` is nobody special, `admin` is a superuser."""
        assert {name: row[1:] for name, row in users(demo).items()} == {
            "demo": (0, 0),
            "admin": (1, 1),
        }

    def test_second_run_changes_nothing(self, demo: Demo) -> None:
        """Running it again keeps the password hashes, so it ends no session."""
        before = users(demo)
        assert demo.manage("demo_setup").returncode == 0
        assert users(demo) == before

    def test_it_prints_where_to_go(self, demo: Demo, tmp_path: Path) -> None:
        """The addresses it prints have the port of the environment."""
        there = Demo(tmp_path, PORT="8123", DATABASE_URL=demo.environment["DATABASE_URL"])
        said = there.manage("demo_setup").stdout
        assert "http://127.0.0.1:8123/ " in said
        assert "http://127.0.0.1:8123/admin/ " in said

    def test_no_known_password_without_debug(self, tmp_path: Path) -> None:
        """With DEBUG off it refuses, and makes no user."""
        demo = Demo(tmp_path, **IN_PRODUCTION)
        assert demo.manage("migrate", "--verbosity=0").returncode == 0
        assert demo.manage("demo_setup").returncode == 1
        assert users(demo) == {}


class TestPage:
    def test_policy_allows_nothing_inline_and_nothing_from_elsewhere(self, address: str) -> None:
        """The page is sent with a policy that starts from nothing."""
        with urlopen(f"{address}/", timeout=20) as response:  # noqa: S310 - our own server
            policy = response.headers["Content-Security-Policy"]
        assert dict(part.split(" ", 1) for part in policy.split("; ")) == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "connect-src": "'self'",
            "img-src": "'self'",
            "form-action": "'none'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }

    @pytest.mark.parametrize(("debug", "offered"), [("true", "True"), ("false", "False")])
    def test_answers_are_lost_under_debug_only(
        self, tmp_path: Path, debug: str, offered: str
    ) -> None:
        """Elsewhere the page has no button for that experiment, and the cookie has no effect."""
        demo = Demo(tmp_path, **IN_PRODUCTION | {"DEBUG": debug})
        done = demo.manage("shell", f"--command={LOSES_AN_ANSWER}")
        assert done.stdout.split()[-2:] == [offered, offered], done.stderr


class TestProfile:
    def test_it_answers_the_session_of_the_token(self, address: str) -> None:
        """The protected endpoint names the user and the session that `login/` made."""
        status, login = ask(
            "POST",
            f"{address}/auth/login/",
            {"username": "demo", "password": "demo", "client": "app"},
        )
        assert status == 200
        status, profile = ask(
            "GET", f"{address}/api/profile/", Authorization=f"Bearer {login['access']}"
        )
        assert (status, profile["username"]) == (200, "demo")
        assert profile["session_id"] == login["session"]["sid"]

    def test_it_is_protected(self, address: str) -> None:
        """Without a token the answer is a 401, not DRF's surprise 403."""
        status, _ = ask("GET", f"{address}/api/profile/")
        assert status == 401

    @pytest.mark.parametrize(
        ("method", "path"), [("PUT", "/api/email/"), ("GET", "/api/protocol/")]
    )
    def test_so_are_the_others(self, address: str, method: str, path: str) -> None:
        """So are the endpoints that the page's other parts ask."""
        status, _ = ask(method, f"{address}{path}", {})
        assert status == 401
