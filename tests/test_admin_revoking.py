"""Revoking sessions in the admin: one, many, and what is left behind."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, override_settings

from tests.conftest import Api, Clock
from tests.test_admin import LIST, page, root, staff_with, start, status
from tokenauth.admin import revoking
from tokenauth.models import AuthEvent, AuthSession, EventType

__all__ = ["root", "staff_with"]  # fixtures

YES = {"confirmed": "yes", "reason": "lost", "note": "Ticket 4711"}


def revoke(client: Client, session: AuthSession, **more: Any) -> HttpResponse:
    """Answer the question about one session."""
    return client.post(page(session, "revoke"), YES | more)  # type: ignore[return-value]  # test client


def revoke_selected(client: Client, *rows: AuthSession, **more: Any) -> HttpResponse:
    """Answer the question about several."""
    selected = {"action": "revoke_selected", "_selected_action": [str(row.pk) for row in rows]}
    return client.post(LIST, YES | selected | more)  # type: ignore[return-value]  # test client


def messages_of(response: Any) -> list[tuple[str, str]]:
    """Return the level and text of what the next page will say."""
    request = response.wsgi_request
    return [(message.level_tag, str(message)) for message in get_messages(request)]


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database refuse every write of a revocation."""

    def update(*_args: object, **_kwargs: object) -> int:
        raise OperationalError("deadlock detected")

    monkeypatch.setattr("tokenauth.models.SessionQuerySet.update", update)


class TestOne:
    def test_it_asks_first(self, user: User, root: Client) -> None:
        """Opening the page revokes nothing, and says what would end and what would not."""
        session = start(user)
        text = root.get(page(session, "revoke")).content.decode()
        assert "access tokens that are already out" in text
        assert "own sessions" in text
        session.refresh_from_db()
        assert session.revoked_at is None

    @pytest.mark.parametrize(
        ("check", "when"),
        [
            ("session", "refused from this moment"),
            ("revocation-list", "out within a second"),
            ("signature", "out work until they expire"),
        ],
    )
    def test_it_says_when_access_tokens_end(
        self, user: User, root: Client, settings: Any, check: str, when: str
    ) -> None:
        """Staff with a user on the phone must not promise what the setting does not keep."""
        settings.TOKENAUTH_ACCESS_TOKEN_CHECK = check
        assert when in root.get(page(start(user), "revoke")).content.decode()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"reason": ""},
            {"reason": "reuse"},
            {"note": "x" * 201},
            {"note": "\x00"},
            {"confirmed": None},
        ],
    )
    def test_a_wrong_answer_is_asked_again(
        self, user: User, root: Client, wrong: dict[str, Any]
    ) -> None:
        """Without a reason of the list, or with too long a note, nothing is revoked."""
        session = start(user)
        data = {name: value for name, value in (YES | wrong).items() if value is not None}
        assert root.post(page(session, "revoke"), data).status_code == 200
        session.refresh_from_db()
        assert session.revoked_at is None

    @pytest.mark.req("REQ-117")
    def test_the_tokens_are_dead_at_once(self, app: Api, root: Client) -> None:
        """After it an unexpired access token and the refresh token are both refused."""
        assert app.whoami().status_code == 200
        revoke(root, AuthSession.objects.get())
        assert app.whoami().status_code == 401
        response = app.refresh()
        assert response.json()["reason"] == "revoked"

    @pytest.mark.req("REQ-117")
    def test_csrf_is_required(self, user: User, staff: User) -> None:
        """A form of another site revokes nothing."""
        client = Client(enforce_csrf_checks=True)
        client.force_login(staff)
        session = start(user)
        assert revoke(client, session).status_code == 403
        assert revoke_selected(client, session).status_code == 403
        session.refresh_from_db()
        assert session.revoked_at is None

    @pytest.mark.req("REQ-121")
    def test_who_when_why_and_from_where(
        self, clock: Clock, user: User, staff: User, root: Client
    ) -> None:
        """The session and its event say who, when, why, with which note, and from where."""
        session = start(user)
        clock.advance(seconds=5)
        root.post(page(session, "revoke"), YES, headers={"user-agent": "Staff/1.0"})
        session.refresh_from_db()
        assert (session.revoked_at, session.revoked_by) == (clock(), staff)
        assert (session.revoked_reason, session.revoked_note) == ("lost", "Ticket 4711")
        event = AuthEvent.objects.get(type=EventType.REVOKED)
        assert (event.user, event.actor, event.session_id) == (user, staff, session.pk)
        assert (event.created_at, event.reason, event.detail) == (
            clock(),
            "lost",
            {"note": "Ticket 4711"},
        )
        assert (event.ip, event.user_agent) == ("127.0.0.1", "Staff/1.0")

    @pytest.mark.req("REQ-121")
    def test_the_history_says_why(self, user: User, staff: User, root: Client) -> None:
        """One entry of the admin's log, readable on the session's history page."""
        session = start(user)
        revoke(root, session)
        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_id, entry.action_flag) == (staff, str(session.pk), CHANGE)
        for text in (entry.change_message, root.get(page(session, "history")).content.decode()):
            assert "device lost or stolen (Ticket 4711)" in text

    @pytest.mark.req("REQ-49")
    def test_twice_is_said_truthfully(self, user: User, root: Client) -> None:
        """The second time nothing changes, nothing is logged and nothing else is claimed."""
        session = start(user)
        assert [level for level, _ in messages_of(revoke(root, session))] == ["success"]
        assert [level for level, _ in messages_of(revoke(root, session))][-1] == "warning"
        assert LogEntry.objects.count() == 1
        assert AuthEvent.objects.filter(type=EventType.REVOKED).count() == 1

    def test_a_deactivated_users_session_can_be_revoked(self, user: User, root: Client) -> None:
        """It has ended, and revoked it stays so when the account is active again."""
        session = start(user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        revoke(root, session)
        User.objects.filter(pk=user.pk).update(is_active=True)
        assert status(root, session) == "revoked: device lost or stolen"

    @pytest.mark.parametrize("key", ["nonsense", "00000000-0000-0000-0000-000000000007"])
    def test_an_unknown_session_is_a_404(self, root: Client, key: str) -> None:
        """Nothing to revoke, and no 500."""
        assert root.post(f"{LIST}{key}/revoke/", YES).status_code == 404

    def test_a_busy_database_is_told(
        self, user: User, root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After three refusals the page says to try again, and claims no revocation."""
        session = start(user)
        refuse(monkeypatch)
        response = revoke(root, session)
        assert response.status_code == 302
        assert [level for level, _ in messages_of(response)] == ["error"]
        assert not LogEntry.objects.exists()


class TestSuperusers:
    @pytest.fixture
    def member(self, staff_with: Callable[..., Client]) -> Client:
        """Staff who may revoke, and are no superusers."""
        return staff_with("view_authsession", "revoke_authsession")

    @pytest.mark.req("REQ-116")
    def test_staff_cannot_end_a_superusers_session(self, staff: User, member: Client) -> None:
        """The page, the POST and the button are refused for a session of a superuser."""
        session = start(staff)
        assert member.get(page(session, "revoke")).status_code == 403
        assert revoke(member, session).status_code == 403
        assert page(session, "revoke") not in member.get(page(session)).content.decode()
        session.refresh_from_db()
        assert session.revoked_at is None

    @pytest.mark.req("REQ-116")
    def test_among_others_they_are_left_alone(
        self, user: User, staff: User, member: Client
    ) -> None:
        """The action ends the rest, and says what it left."""
        theirs, hers = start(staff), start(user)
        response = revoke_selected(member, theirs, hers)
        assert [level for level, _ in messages_of(response)] == ["warning", "success"]
        theirs.refresh_from_db()
        hers.refresh_from_db()
        assert theirs.revoked_at is None
        assert hers.revoked_at is not None

    @pytest.mark.req("REQ-116")
    def test_alone_nothing_happens(self, staff: User, member: Client) -> None:
        """With nothing but superusers' sessions selected there is nothing to ask."""
        session = start(staff)
        response = revoke_selected(member, session)
        assert [level for level, _ in messages_of(response)] == ["warning"]
        session.refresh_from_db()
        assert session.revoked_at is None

    def test_a_superuser_can(self, staff: User, root: Client) -> None:
        """A superuser ends sessions of superusers, their own too."""
        session = start(staff)
        revoke(root, session)
        session.refresh_from_db()
        assert session.revoked_at is not None


class TestSelected:
    def test_it_asks_first(self, user: User, root: Client) -> None:
        """Choosing the action revokes nothing, and keeps the selection for the answer."""
        rows = [start(user) for _ in range(3)]
        data = {"action": "revoke_selected", "_selected_action": [str(row.pk) for row in rows[:2]]}
        text = root.post(LIST, data | {"index": "0"}).content.decode()
        assert [str(row.pk) in text for row in rows] == [True, True, False]
        assert not AuthSession.objects.filter(revoked_at__isnull=False).exists()

    @pytest.mark.req("REQ-117", "REQ-121")
    def test_the_selected_end_and_no_others(
        self, user: User, staff: User, root: Client, django_user_model: Any
    ) -> None:
        """Each selected session ends, with an event and a history entry of its own."""
        bob = django_user_model.objects.create_user("bob")
        rows, other = [start(user), start(user), start(bob)], start(bob)
        response = revoke_selected(root, *rows)
        assert response.status_code == 302
        revoked = AuthSession.objects.filter(revoked_by=staff, revoked_reason="lost")
        assert {row.pk for row in revoked} == {row.pk for row in rows}
        assert LogEntry.objects.count() == 3
        assert AuthEvent.objects.filter(type=EventType.REVOKED, actor=staff).count() == 3
        other.refresh_from_db()
        assert other.revoked_at is None

    @pytest.mark.req("REQ-49", "REQ-120")
    def test_the_count_is_that_of_the_rows_changed(self, user: User, root: Client) -> None:
        """Of three, one had ended before: the message says two."""
        rows = [start(user) for _ in range(3)]
        revoke(root, rows[0], note="")
        response = revoke_selected(root, *rows)
        level, text = messages_of(response)[-1]
        assert (level, text.split()[0]) == ("success", "2")
        assert LogEntry.objects.count() == 3
        rows[0].refresh_from_db()
        assert rows[0].revoked_note == ""

    def test_an_unfinished_answer_is_asked_again(self, user: User, root: Client) -> None:
        """A reason that is none is refused."""
        session = start(user)
        assert revoke_selected(root, session, reason="whim").status_code == 200
        session.refresh_from_db()
        assert session.revoked_at is None

    def test_what_is_no_id_is_left_out(self, user: User, root: Client) -> None:
        """A tampered selection is no 500, and the rest of it is revoked."""
        session = start(user)
        assert revoke_selected(root, session, _selected_action=["x"]).status_code == 302
        response = revoke_selected(root, _selected_action=["'; --", str(session.pk)])
        assert messages_of(response)[-1][1].split()[0] == "1"

    def test_too_many_are_refused(
        self, user: User, root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """More than the limit: an error, and nothing revoked."""
        monkeypatch.setattr("tokenauth.admin.sessions.MAX_SELECTED", 2)
        rows = [start(user) for _ in range(3)]
        response = revoke_selected(root, *rows)
        assert [level for level, _ in messages_of(response)] == ["error"]
        assert not AuthSession.objects.filter(revoked_at__isnull=False).exists()

    def test_a_busy_database_is_told(
        self, user: User, root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No 500, no claim."""
        session = start(user)
        refuse(monkeypatch)
        response = revoke_selected(root, session)
        assert [level for level, _ in messages_of(response)] == ["error"]


@pytest.mark.django_db(transaction=True)
class TestCommitted:
    @pytest.fixture(autouse=True)
    def atomic_requests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Wrap every request in a transaction, as many projects do."""
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", value=True)

    @pytest.mark.req("REQ-29", "REQ-117")
    @pytest.mark.parametrize("end", [revoke, revoke_selected])
    def test_a_revocation_survives_the_failure_of_its_page(
        self,
        user: User,
        staff: User,
        monkeypatch: pytest.MonkeyPatch,
        end: Callable[..., HttpResponse],
    ) -> None:
        """Whatever fails afterwards, here the history entry: the session is over, at once."""
        client = Client(raise_request_exception=False)
        client.force_login(staff)
        session = start(user)

        def fail(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError("the disk is full")

        monkeypatch.setattr(revoking, "_log", fail)
        assert end(client, session).status_code == 500
        session.refresh_from_db()
        assert session.revoked_reason == "lost"

    @pytest.mark.req("REQ-117")
    @pytest.mark.parametrize("end", [revoke, revoke_selected])
    def test_it_commits(self, user: User, staff: User, end: Callable[..., HttpResponse]) -> None:
        """The ordinary way, with a real transaction: state, event and history stay."""
        client = Client()
        client.force_login(staff)
        session = start(user)
        assert end(client, session).status_code == 302
        session.refresh_from_db()
        assert session.revoked_by == staff
        assert LogEntry.objects.count() == 1


@override_settings(TOKENAUTH_TRUSTED_PROXIES=["127.0.0.0/8"])
def test_the_address_follows_the_trusted_proxies(user: User, root: Client) -> None:
    """Where staff revoked from is read as everywhere else."""
    session = start(user)
    root.post(page(session, "revoke"), YES, headers={"x-forwarded-for": "203.0.113.5"})
    assert AuthEvent.objects.get(type=EventType.REVOKED).ip == "203.0.113.5"
