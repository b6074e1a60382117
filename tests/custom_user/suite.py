"""What must work with any user model. Run by tests/test_custom_user.py, in a project of its own."""

import io
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD, Api, Clock
from tests.custom_user.models import Member
from tokenauth import sessions
from tokenauth.models import AuthEvent, AuthSession, EventType

LIST = "/admin/tokenauth/authsession/"
YES = {"confirmed": "yes", "reason": "lost", "note": "Ticket 4711"}


@pytest.fixture
def ada(db: None) -> Member:
    """A member."""
    return Member.objects.create_user("ada@example.org", PASSWORD)


@pytest.fixture
def root(db: None) -> Client:
    """A superuser's browser."""
    client = Client()
    member: Any = Member.objects.create_superuser("root@example.org", PASSWORD)
    client.force_login(member)
    return client


@pytest.fixture
def logged_in(ada: Member) -> Api:
    """Ada's app."""
    client = Api()
    assert client.login("ada@example.org", client="app").status_code == 200
    return client


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    """Makemigrations --check finds nothing to do for the package."""
    call_command("makemigrations", "tokenauth", check=True, dry_run=True, stdout=io.StringIO())


def test_me(ada: Member, logged_in: Api) -> None:
    """The user's id is the UUID as text, the name is the e-mail address."""
    answer = logged_in.get("/auth/me/").json()
    assert answer["user"] == {"id": str(ada.pk), "username": "ada@example.org"}


@pytest.mark.parametrize("typed", ["ada@example.org", "ADA@Example.ORG"])
def test_login_by_email(ada: Member, typed: str) -> None:
    """The member ``username`` is the address, found in any case; the account keeps its own."""
    client = Api()
    assert client.login(typed).status_code == 200
    assert client.whoami().json() == {"username": "ada@example.org"}


@pytest.mark.req("REQ-03")
def test_login_fails_alike(ada: Member) -> None:
    """A wrong password, an unknown address, and a member "email" in the place of "username"."""
    wrong, unknown = Api().login("ADA@example.org", "x"), Api().login("bob@example.org", "x")
    assert wrong.status_code == 401
    assert (wrong.content, wrong.headers) == (unknown.content, unknown.headers)
    misnamed = Api().post("/auth/login/", {"email": "ada@example.org", "password": PASSWORD})
    assert list(misnamed.json()["errors"]) == ["username"]


def test_second_step(ada: Member, settings: Any) -> None:
    """The challenge names a member whose key is a UUID."""
    settings.TOKENAUTH_LOGIN_GATE = "tests.test_views_second_step.gate"
    settings.TOKENAUTH_SECOND_STEP = "tests.test_views_second_step.verify"
    client = Api()
    challenge = client.login("ADA@example.org").json()["challenge"]["token"]
    sent = {"challenge": challenge, "code": "123456"}
    assert client.post("/auth/login/second-step/", sent).json()["session"]["amr"][-1] == "mfa"


def test_refresh_and_logout(clock: Clock, logged_in: Api) -> None:
    """A session rotates, is used, and ends."""
    clock.advance(seconds=60)
    assert logged_in.refresh().status_code == 200
    assert logged_in.whoami().status_code == 200
    assert logged_in.logout().status_code == 204
    assert logged_in.whoami().status_code == 401
    assert logged_in.refresh().status_code == 401


def test_another_members_token_is_refused_after_deletion(ada: Member, logged_in: Api) -> None:
    """A user who is gone has no session."""
    ada.delete()
    assert logged_in.whoami().status_code == 401


@pytest.mark.parametrize("term", ["ADA@", "ada@example.org"])
def test_search_by_email(ada: Member, root: Client, term: str) -> None:
    """The admin searches the field that members log in by."""
    session = sessions.start_session(ada).session
    sessions.start_session(Member.objects.create_user("bob@example.org"))
    response = root.get(LIST, {"q": term})
    assert response.context["cl"].result_count == 1
    assert str(session.pk) in response.content.decode()


def test_sessions_of_one_member(ada: Member, root: Client) -> None:
    """The address that lists one user's sessions takes a UUID, and nonsense is no 500."""
    sessions.start_session(ada)
    assert root.get(LIST, {"user": str(ada.pk)}).context["cl"].result_count == 1
    assert root.get(LIST, {"user": str(uuid.uuid4())}).context["cl"].result_count == 0
    assert root.get(LIST, {"user": "nonsense"}).status_code == 302


def test_revoke_one(ada: Any, logged_in: Api, root: Client) -> None:
    """Staff end a session; log entry and event name the member."""
    session = AuthSession.objects.get()
    address = reverse("admin:tokenauth_authsession_revoke", args=[session.pk])
    assert root.get(address).status_code == 200
    root.post(address, YES)
    assert logged_in.whoami().status_code == 401
    assert LogEntry.objects.get().object_id == str(session.pk)
    assert AuthEvent.objects.get(type=EventType.REVOKED).user_id == ada.pk


def test_revoke_all(ada: Member, logged_in: Api, root: Client) -> None:
    """The action is on the project's own page of members, whose class does not know it."""
    address = reverse("admin:custom_user_member_changelist")
    assert "revoke_all_sessions" in root.get(address).content.decode()
    data = {"action": "revoke_all_sessions", "_selected_action": str(ada.pk)}
    assert root.post(address, data | {"index": "0"}).status_code == 200
    assert root.post(address, data | YES).status_code == 302
    assert logged_in.whoami().status_code == 401
    assert LogEntry.objects.get().object_id == str(ada.pk)


def test_deleting_a_member(ada: Member, logged_in: Api, root: Client) -> None:
    """The sessions end and forget who it was; the events keep the key."""
    address = reverse("admin:custom_user_member_delete", args=[ada.pk])
    assert root.get(address).status_code == 200
    assert root.post(address, {"post": "yes"}).status_code == 302
    session = AuthSession.objects.get()
    assert (session.user_id, session.revoked_reason) == (None, "deleted")
    event = AuthEvent.objects.get(type=EventType.LOGIN)
    assert (event.user_id, event.user_key) == (None, str(ada.pk))
    assert logged_in.refresh().status_code == 401


@pytest.mark.req("REQ-117")
def test_sign_out_everywhere(ada: Member, logged_in: Api, root: Client) -> None:
    """From a page that knows nothing of sessions: they are shown, and end."""
    page = root.get(reverse("admin:custom_user_member_change", args=[ada.pk])).content.decode()
    address = f"{LIST}revoke/?user={ada.pk}"
    assert "Sign out everywhere" in page
    assert address in page
    assert "ada@example.org" in root.get(address).content.decode()
    assert root.post(f"{LIST}revoke/", YES | {"user": str(ada.pk)}).status_code == 302
    assert logged_in.whoami().status_code == 401
    assert LogEntry.objects.get().object_id == str(ada.pk)


@pytest.mark.parametrize("key", ["7", "x"])
def test_no_member_has_this_key(logged_in: Api, root: Client, key: str) -> None:
    """What is no UUID is nobody, and no 500."""
    assert root.post(f"{LIST}revoke/", YES | {"user": key}).status_code == 302
    assert logged_in.whoami().status_code == 200


@pytest.mark.req("REQ-117")
def test_by_name(logged_in: Api, root: Client) -> None:
    """The name to log in with is the e-mail address: on the page, and for the command."""
    data = YES | {"what": "user", "name": "ada@example.org"}
    assert root.post(f"{LIST}revoke/", data).status_code == 302
    assert logged_in.whoami().status_code == 401
    logged_in.login("ada@example.org", client="app")
    call_command("tokenauth_revoke", user="ada@example.org", yes=True, stdout=io.StringIO())
    assert logged_in.whoami().status_code == 401
