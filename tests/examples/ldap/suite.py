"""Users whose passwords are in a directory. Run by tests/test_examples.py."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.contrib.auth import get_user_model, signals
from django.core.management import call_command

from tests.conftest import Api, Clock
from tests.examples.ldap import directory as ldap
from tests.examples.ldap.directory import Directory
from tokenauth import sessions
from tokenauth.models import AuthEvent, AuthSession, EventType

BACKEND = "tests.examples.ldap.backend.DirectoryBackend"
PASSWORD = "only the directory knows"
ADA = "uid=ada,ou=people,dc=example,dc=org"
ME = f"{__name__}."


def gate(_request: Any, _user: Any) -> dict[str, Any]:
    """Ask everybody."""
    return {}


def verify(_request: Any, user: Any, _answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Take everything, from whom the directory knew."""
    assert user.backend == BACKEND
    return ("otp",)


@pytest.fixture(scope="module")
def server() -> Iterator[Directory]:
    """A directory that runs."""
    with ldap.serve() as directory:
        yield directory


@pytest.fixture
def directory(server: Directory, settings: Any, db: None) -> Directory:
    """The directory, with Ada in it; the project knows nobody yet."""
    server.passwords = {ADA: PASSWORD}
    server.is_down = False
    server.binds.clear()
    settings.DIRECTORY = server.address
    return server


@pytest.fixture
def app(directory: Directory, clock: Clock) -> Api:
    """Ada's app, logged in."""
    client = Api()
    assert client.login("ada", PASSWORD, client="app").status_code == 200
    return client


def test_checks_pass(db: None) -> None:
    """Nothing is to be put right."""
    call_command("check", fail_level="WARNING")


def test_first_login_makes_the_user(app: Api, directory: Directory) -> None:
    """Without a password in Django; one bind."""
    assert not get_user_model().objects.get().has_usable_password()
    assert app.whoami().json() == {"username": "ada"}
    assert directory.binds == [ADA]


def test_second_login_finds_the_user(app: Api) -> None:
    """One user, two sessions."""
    assert Api().login("ada", PASSWORD).status_code == 200
    assert get_user_model().objects.count() == 1
    assert AuthSession.objects.filter(revoked_at=None).count() == 2


def test_refresh_asks_no_directory(app: Api, directory: Directory, clock: Clock) -> None:
    """The auth hash of a password that nobody can use is as good as another."""
    directory.is_down = True
    for _ in range(3):
        clock.advance(seconds=60)
        assert app.refresh().status_code == 200
    assert app.whoami().status_code == 200


def test_another_login_ends_no_session(app: Api, clock: Clock) -> None:
    """The unusable password, which is random, is not set again."""
    Api().login("ada", PASSWORD)
    clock.advance(seconds=60)
    assert app.refresh().status_code == 200


@pytest.mark.req("REQ-03")
@pytest.mark.parametrize(
    ("name", "password"),
    [
        *(("ada", "wrong"), ("nobody", PASSWORD), ("ada,ou=people", PASSWORD)),
        *(("*", PASSWORD), ("ada", "x" * 4000), ("ada", "\u20ac")),
    ],
)
def test_wrong_bind(directory: Directory, api: Api, name: str, password: str) -> None:
    """The directory says no, or is not asked: no user is made, and nobody is told why."""
    response = api.login(name, password)
    assert (response.status_code, response.json()["code"]) == (401, "login_failed")
    assert not get_user_model().objects.exists()
    assert AuthEvent.objects.get().type == EventType.LOGIN_FAILED


def test_bind_without_a_password(directory: Directory, api: Api) -> None:
    """The directory would say yes to it; neither endpoint nor backend sends it one."""
    assert ldap.bind(directory.address, ADA, "") == ldap.SUCCESS
    directory.binds.clear()
    assert api.login("ada", "").status_code == 400
    assert directory.binds == []


def test_failure_is_announced_once(directory: Directory, api: Api) -> None:
    """For whoever counts failures, without the password."""
    heard: list[Any] = []

    def note(credentials: Any, **_kwargs: Any) -> None:
        heard.append(credentials)

    signals.user_login_failed.connect(note)
    try:
        api.login("ada", "wrong")
    finally:
        signals.user_login_failed.disconnect(note)
    assert [entry["username"] for entry in heard] == ["ada"]
    assert "wrong" not in str(heard)


@pytest.mark.req("REQ-05")
def test_disabled_in_the_directory(app: Api, directory: Directory, clock: Clock) -> None:
    """No new login; the session lives on until the project is told, and then not a moment."""
    directory.passwords.clear()
    assert Api().login("ada", PASSWORD).status_code == 401
    clock.advance(seconds=60)
    assert app.refresh().status_code == 200
    sessions.revoke_user_sessions(get_user_model().objects.get(), reason="account")
    assert app.whoami().status_code == 401
    assert app.refresh().json()["code"] == "session_ended"


@pytest.mark.req("REQ-05", "REQ-23")
def test_disabled_by_the_project(app: Api) -> None:
    """As a nightly job does that compares the table with the directory."""
    get_user_model().objects.update(is_active=False)
    assert app.whoami().status_code == 401
    assert Api().login("ada", PASSWORD).status_code == 401


def test_new_password_in_the_directory(app: Api, directory: Directory, clock: Clock) -> None:
    """Django sees no change: who wants it to end sessions says so, as above."""
    directory.passwords[ADA] = "a new one"
    clock.advance(seconds=60)
    assert app.refresh().status_code == 200
    assert Api().login("ada", PASSWORD).status_code == 401
    assert Api().login("ada", "a new one").status_code == 200


def test_reauthenticate_binds_again(app: Api, directory: Directory) -> None:
    """A step-up asks the directory, as the user who is logged in."""
    directory.binds.clear()
    assert app._keep(app.post("/auth/reauthenticate/", {"password": PASSWORD})).status_code == 200
    assert directory.binds == [ADA]
    assert app.post("/auth/reauthenticate/", {"password": "wrong"}).status_code == 401


@pytest.mark.req("REQ-13")
def test_second_step(directory: Directory, api: Api, settings: Any) -> None:
    """The challenge remembers which backend knew the user, and the directory is asked once."""
    settings.TOKENAUTH_LOGIN_GATE = f"{ME}gate"
    settings.TOKENAUTH_SECOND_STEP = f"{ME}verify"
    challenge = api.login("ada", PASSWORD).json()["challenge"]["token"]
    assert api.post("/auth/login/second-step/", {"challenge": challenge}).status_code == 200
    assert directory.binds == [ADA]
