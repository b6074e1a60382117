"""The helpers for the tests of projects, and the examples of docs/testing.md as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import TestCase

from tests.conftest import Api
from tokenauth import system
from tokenauth.exceptions import SessionEnded
from tokenauth.models import AuthSession
from tokenauth.pytest_plugin import tokenauth_client, tokenauth_travel
from tokenauth.sessions import revoke_session
from tokenauth.testing import AuthClient, travel

__all__ = ["tokenauth_client", "tokenauth_travel"]  # fixtures

ROOT = Path(__file__).resolve().parent.parent
WHOAMI, ME = "/api/whoami", "/auth/me/"


class TestAuthClient:
    @pytest.mark.parametrize("client", [None, "browser", "app"])
    def test_is_logged_in(self, user: User, client: str | None):
        """In one line, as whichever client; the session is a row like any other."""
        api = AuthClient(user, client=client, amr=["pwd", "otp"], device_name="robot")
        session = AuthSession.objects.get()

        assert api.get(WHOAMI).status_code == 200
        assert api.auth_session == session
        assert (session.client, session.amr) == (client or "browser", ["pwd", "otp"])
        assert session.device_name == "robot"

    def test_is_nobody_without_a_user(self, db: None):
        """And says what to do."""
        api = AuthClient()

        assert api.get(WHOAMI).status_code == 401
        with pytest.raises(RuntimeError, match="login_session"):
            api.auth_session  # noqa: B018 - the attribute is a look-up

    def test_sees_a_revocation(self, user: User):
        """What it sends is really checked."""
        api = AuthClient(user)
        revoke_session(api.auth_session, reason="admin")

        assert api.get(WHOAMI).status_code == 401
        assert api.auth_session.revoked_reason == "admin"
        with pytest.raises(SessionEnded):
            api.refresh()

    def test_refreshes(self, user: User):
        """At whatever generation the session is by now."""
        api = AuthClient(user, client="app")
        with travel(minutes=6):
            assert api.get(WHOAMI).status_code == 401
            assert api.refresh().generation == 1
            assert api.get(WHOAMI).status_code == 200
        with travel(minutes=12):
            assert api.refresh().generation == 2

    def test_within_the_grace_keeps_its_tokens(self, user: User):
        """A refresh right after another one rotates nothing."""
        api = AuthClient(user)
        assert api.refresh().generation == 0
        assert api.refresh().generation == 0

        assert api.get(WHOAMI).status_code == 200

    def test_has_the_cookies_of_a_browser(self, user: User, settings: Any):
        """The endpoints work by them, and so do pages that know the access cookie."""
        settings.TOKENAUTH_ACCESS_COOKIE = True
        api = AuthClient(user)
        assert {morsel["path"] for morsel in api.cookies.values()} == {"/auth/", "/"}
        with travel(minutes=6):
            assert api.post("/auth/refresh/").status_code == 200
            assert api.refresh().generation == 1

        assert api.post("/auth/logout/").status_code == 204
        assert api.auth_session.revoked_reason == "logout"

    def test_has_no_cookies_as_an_app(self, user: User):
        """A client of transport body keeps its tokens itself."""
        assert not AuthClient(user, client="app").cookies

    def test_logs_out(self, user: User):
        """The session ends, and nothing more is sent; again it does nothing."""
        api = AuthClient(user)
        session = api.auth_session
        api.logout()
        api.logout()
        session.refresh_from_db()

        assert session.revoked_reason == "logout"
        assert not api.cookies
        assert api.get(WHOAMI).status_code == 401

    def test_is_as_good_as_a_login(self, user: User):
        """It is in the user's list of sessions, beside others."""
        other = Api()
        other.login()
        AuthClient(user)

        assert len(other.get("/auth/sessions/").json()["sessions"]) == 2


class TestTravel:
    def test_adds_up_and_comes_back(self):
        """Both clocks move, and are put back whatever happens."""
        before = system.now, system.monotonic
        start = system.now()
        seen = []

        def look_and_fail() -> None:
            seen.append((system.now() - start).total_seconds())
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), travel(hours=1), travel(hours=1):
            look_and_fail()

        assert 7199 < seen[0] < 7260
        assert (system.now, system.monotonic) == before


class TestFixtures:
    def test_client(self, user: User, tokenauth_client: Any):
        """The fixture logs in."""
        assert tokenauth_client(user).get(WHOAMI).status_code == 200

    def test_travel(self, user: User, tokenauth_client: Any, tokenauth_travel: Any):
        """The fixture moves the time."""
        client = tokenauth_client(user)
        with tokenauth_travel(days=31):
            assert client.get(WHOAMI).status_code == 401


class TestUnittest(TestCase):
    client_class = AuthClient
    client: AuthClient

    def test_one_line(self):
        """A TestCase's own client logs in."""
        self.client.login_session(User.objects.create_user("ada"))

        assert self.client.get(WHOAMI).status_code == 200


# The plugin is named by those that want it: its entry point may be installed or not.
WITHOUT = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:tokenauth")


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, over a project that has no configuration of ours."""
    (directory / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": "sqlite://:memory:",
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", *WITHOUT, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.any_database
class TestDocumented:
    def test_examples_pass(self, tmp_path: Path):
        """Each block of docs/testing.md is a module of tests that passes, by the plugin alone."""
        blocks = re.findall(
            r"^```python\n(.*?)^```",
            (ROOT / "docs/testing.md").read_text(),
            re.MULTILINE | re.DOTALL,
        )
        for number, block in enumerate(blocks):
            (tmp_path / f"test_{number}.py").write_text(block)
        done = run(tmp_path, "-p", "tokenauth.pytest_plugin")

        assert done.returncode == 0, done.stdout + done.stderr
        assert "5 passed" in done.stdout

    def test_without_django_nothing_breaks(self, tmp_path: Path):
        """A run of pytest that has nothing to do with Django loads the plugin and goes on."""
        (tmp_path / "test_it.py").write_text(
            "import sys\n\n\ndef test_it():\n    assert 'tokenauth.testing' not in sys.modules\n"
        )
        done = run(tmp_path, "-p", "tokenauth.pytest_plugin", "-p", "no:django")

        assert done.returncode == 0, done.stdout + done.stderr
