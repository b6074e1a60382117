"""Revoking many in the admin: who may, what is asked, what happens, and what is left behind."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse

from tests.conftest import Api, Clock
from tests.test_admin import LIST, page, root, staff_with, start
from tests.test_admin_revoking import YES, messages_of
from tests.test_bulk import alive, fill
from tokenauth.admin import many, revoking
from tokenauth.audit import Origin
from tokenauth.bulk import revoke_matching
from tokenauth.models import AuthEvent, AuthSession, EventType, SessionQuerySet

__all__ = ["root", "staff_with"]  # fixtures

MANY = f"{LIST}revoke/"
REVOKE = ("view_authsession", "revoke_authsession")
EVERYONE = (*REVOKE, "revoke_everyone_authsession")
SUPERUSERS = (*EVERYONE, "revoke_superuser_authsession")


def answer(client: Client, *users: Any, **more: Any) -> HttpResponse:
    """Answer yes: about these users, or about what is given."""
    about = {"user": [str(user.pk) for user in users]} if users else {}
    return client.post(MANY, YES | about | more)  # type: ignore[return-value]  # test client


def act(client: Client, action: str, *rows: AuthSession) -> HttpResponse:
    """Choose an action for sessions on the list."""
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], "index": "0"}
    return client.post(LIST, data)  # type: ignore[return-value]  # test client


def confirm(client: Client, question: Any, **more: Any) -> HttpResponse:
    """Send the form of a page as it is, with a reason: what a person does."""
    text = question.content.decode()
    address = re.search(r'<form class="tokenauth-form" method="post" action="([^"]+)"', text)
    assert address
    data: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text):
        data.setdefault(name, []).append(html.unescape(value))
    return client.post(address[1], data | {"reason": "lost", "note": "Ticket 4711"} | more)  # type: ignore[return-value]  # test client


def numbers(response: Any) -> dict[str, int]:
    """Return the counts that a question shows."""
    cells = re.findall(r'<th scope="row">([^<]+)</th><td>(\d+)</td>', response.content.decode())
    return {name: int(number) for name, number in cells}


@pytest.fixture
def bob(db: None) -> User:
    """Another user."""
    return User.objects.create_user("bob")


KINDS: dict[str, dict[str, str]] = {
    "network": {"what": "network", "network": "10.1.0.0/16"},
    "group": {"what": "group"},
    "everyone": {"what": "everyone", "sure": "on"},
}


def described(kind: str) -> dict[str, str]:
    """Return the fields that describe Ada's session, in one of the ways that name nobody."""
    group, _ = Group.objects.get_or_create(name="field staff")
    User.objects.get(username="ada").groups.add(group)
    return KINDS[kind] | ({"group": str(group.pk)} if kind == "group" else {})


@pytest.fixture
def hers(user: User) -> AuthSession:
    """Ada's session, at 10.1.2.3."""
    return start(user, origin=Origin("10.1.2.3"))


class TestPermissions:
    """Who may do what: the matrix, each cell by GET, by a POST that asks, and by one that acts."""

    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize(
        ("held", "may_users", "may_everyone"),
        [
            ((), False, False),
            (("view_authsession",), False, False),
            (("revoke_authsession",), False, False),
            (("revoke_everyone_authsession",), False, False),
            (("view_authsession", "revoke_everyone_authsession"), False, False),
            (REVOKE, True, False),
            (EVERYONE, True, True),
        ],
    )
    def test_matrix(
        self,
        user: User,
        hers: AuthSession,
        staff_with: Callable[..., Client],
        held: tuple[str, ...],
        *,
        may_users: bool,
        may_everyone: bool,
    ) -> None:
        """The page, users by name or key, and each way that names nobody."""
        client = staff_with(*held)
        assert (client.get(MANY).status_code == 200) is may_users
        assert (client.get(MANY, {"user": user.pk}).status_code == 200) is may_users
        for kind in KINDS:
            data = described(kind)
            AuthSession.objects.update(revoked_at=None, end_recorded_at=None)
            assert client.post(MANY, data).status_code == (200 if may_everyone else 403), kind
            assert alive() == {hers.pk}
            status = client.post(MANY, YES | data).status_code
            assert status == (302 if may_everyone else 403), kind
            assert (alive() == set()) is may_everyone, kind
        for about in ({"what": "user", "name": "ada"}, {"user": str(user.pk)}):
            AuthSession.objects.update(revoked_at=None, end_recorded_at=None)
            assert (answer(client, **about).status_code == 302) is may_users
            assert (alive() == set()) is may_users

    @pytest.mark.req("REQ-116")
    def test_anonymous_is_sent_to_the_login(self, hers: AuthSession, client: Client) -> None:
        """By GET and by POST, and nothing ends."""
        for response in (client.get(MANY), answer(client, **described("everyone"))):
            assert response["Location"].startswith("/admin/login/")
        assert alive() == {hers.pk}

    @pytest.mark.req("REQ-117")
    def test_csrf_is_required(self, user: User, hers: AuthSession, staff: User) -> None:
        """A form of another site ends nothing."""
        client = Client(enforce_csrf_checks=True)
        client.force_login(staff)
        assert answer(client, user).status_code == 403
        assert alive() == {hers.pk}

    @pytest.mark.req("REQ-116")
    def test_what_may_not_be_chosen_is_not_offered(self, staff_with: Callable[..., Client]) -> None:
        """Without the permission for everyone, only one user can be named."""
        text = staff_with(*REVOKE).get(MANY).content.decode()
        assert re.findall(r'name="what" value="(\w+)"', text) == ["user"]
        assert 'name="network"' not in text
        text = staff_with(*EVERYONE).get(MANY).content.decode()
        assert len(re.findall(r'name="what" value="(\w+)"', text)) == 4

    @pytest.mark.req("REQ-116")
    def test_it_is_offered_to_those_who_may(
        self, hers: AuthSession, staff_with: Callable[..., Client]
    ) -> None:
        """The button above the list, the actions, and "all but this one" of a session."""
        for held, offered in ((("view_authsession",), False), (REVOKE, True)):
            client = staff_with(*held)
            listed = client.get(LIST).content.decode()
            assert (MANY in listed) is offered
            assert ("revoke_users" in listed and "revoke_older" in listed) is offered
            assert (MANY in client.get(page(hers)).content.decode()) is offered

    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize("action", ["revoke_users", "revoke_older"])
    def test_actions_are_guarded(
        self, hers: AuthSession, staff_with: Callable[..., Client], action: str
    ) -> None:
        """An action that is posted without the permission asks nothing."""
        response = act(staff_with("view_authsession"), action, hers)
        assert "Yes, revoke" not in response.content.decode()


class TestSuperusers:
    @pytest.mark.req("REQ-123")
    def test_are_refused_by_key_and_name(
        self, staff: User, staff_with: Callable[..., Client]
    ) -> None:
        """Staff below them cannot end their sessions: neither the page nor the POST."""
        session, client = start(staff), staff_with(*EVERYONE)
        assert client.get(MANY, {"user": staff.pk}).status_code == 403
        assert answer(client, staff).status_code == 403
        assert answer(client, what="user", name="root").status_code == 403
        assert alive() == {session.pk}

    @pytest.mark.req("REQ-123")
    @pytest.mark.parametrize("kind", KINDS)
    def test_are_left_alone_among_others(
        self, staff: User, hers: AuthSession, staff_with: Callable[..., Client], kind: str
    ) -> None:
        """Everything from a network, of a group, of everyone: theirs stay, and it says so."""
        session, client = start(staff, origin=Origin("10.1.2.4")), staff_with(*EVERYONE)
        data = described(kind)
        staff.groups.add(Group.objects.get())
        question = client.post(MANY, data)
        assert numbers(question) == {"Sessions": 1, "Users": 1}
        assert "Sessions of superusers are left alone" in question.content.decode()
        answer(client, **data)
        assert alive() == {session.pk}

    @pytest.mark.req("REQ-123")
    def test_are_left_alone_among_users(
        self, user: User, staff: User, hers: AuthSession, staff_with: Callable[..., Client]
    ) -> None:
        """In a selection of users the page names them."""
        session, client = start(staff), staff_with(*REVOKE)
        question = act(client, "revoke_users", hers, session)
        assert "<li>root</li>" in question.content.decode()
        response = confirm(client, question)
        assert [level for level, _ in messages_of(response)] == ["warning", "success"]
        assert alive() == {session.pk}

    @pytest.mark.req("REQ-123")
    @pytest.mark.parametrize("kind", KINDS)
    def test_with_the_permission(
        self, staff: User, hers: AuthSession, staff_with: Callable[..., Client], kind: str
    ) -> None:
        """Who may end theirs does, without being one."""
        start(staff, origin=Origin("10.1.2.4"))
        data = described(kind)
        staff.groups.add(Group.objects.get())
        answer(staff_with(*SUPERUSERS), **data)
        assert alive() == set()

    @pytest.mark.req("REQ-123")
    def test_one_session_with_the_permission(
        self, staff: User, staff_with: Callable[..., Client]
    ) -> None:
        """The page of one session asks the same."""
        session = start(staff)
        client = staff_with(*REVOKE, "revoke_superuser_authsession")
        assert client.post(page(session, "revoke"), YES).status_code == 302
        assert alive() == set()

    @pytest.mark.req("REQ-123")
    def test_where_a_query_cannot_tell_them(
        self,
        hers: AuthSession,
        staff_with: Callable[..., Client],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A user model that works out who is one: only who may end theirs may name nobody."""
        monkeypatch.setattr("tokenauth.bulk.has_column", lambda name: name == "groups")
        assert answer(staff_with(*EVERYONE), **described("everyone")).status_code == 403
        assert alive() == {hers.pk}
        assert answer(staff_with(*SUPERUSERS), **described("everyone")).status_code == 302
        assert alive() == set()

    @pytest.mark.req("REQ-123")
    def test_everyone_is_confirmed_twice(self, hers: AuthSession, root: Client) -> None:
        """Without the second box the question is asked again."""
        assert answer(root, what="everyone").status_code == 200
        assert alive() == {hers.pk}


class TestTokens:
    """REQ-117: each way ends refresh and access tokens at once, and nobody else's."""

    @pytest.mark.req("REQ-117", "REQ-43")
    @pytest.mark.parametrize("way", ["users", "older", "network", "group", "everyone", "name"])
    def test_are_refused(self, app: Api, clock: Clock, bob: User, root: Client, way: str) -> None:
        """What was issued before is replayed, and refused."""
        session = AuthSession.objects.get()
        AuthSession.objects.update(first_ip="10.1.2.3")
        clock.advance(seconds=1)
        kept = start(bob, origin=Origin("192.0.2.1"))
        newer = start(session.user) if way == "older" else None
        question: Any
        if way in KINDS:
            data = described(way) | ({"before": clock().isoformat()} if way == "everyone" else {})
            question = root.post(MANY, data)
        elif way == "name":
            question = root.post(MANY, {"what": "user", "name": "ada"})
        else:
            question = act(root, f"revoke_{way}", session)
        assert app.whoami().status_code == 200
        more = {"sure": "on"} if way == "everyone" else {}
        response = confirm(root, question, **more)
        assert messages_of(response)[-1][1].split()[0] == "1"
        assert app.whoami().status_code == 401
        assert app.refresh().json()["reason"] == "revoked"
        assert alive() == {kept.pk} | ({newer.pk} if newer else set())

    @pytest.mark.req("REQ-117")
    def test_all_but_this_one(self, user: User, bob: User, root: Client) -> None:
        """From the page of a session: the user's others end, this one and strangers' stay."""
        this, other, theirs = start(user), start(user), start(bob)
        link = re.search(rf'href="({MANY}\?[^"]+)"', root.get(page(this)).content.decode())
        assert link
        question = root.get(html.unescape(link[1]))
        assert numbers(question) == {"Sessions": 1, "Users": 1}
        response = confirm(root, question)
        assert response["Location"] == page(this)
        assert alive() == {this.pk, theirs.pk}
        other.refresh_from_db()
        assert other.revoked_reason == "lost"


class TestQuestion:
    def test_ends_nothing(self, hers: AuthSession, root: Client) -> None:
        """Counts and lists what would end, and says when tokens stop and what goes on."""
        question = root.post(MANY, described("network"))
        text = question.content.decode()
        assert numbers(question) == {"Sessions": 1, "Users": 1}
        assert "All sessions from 10.1.0.0/16" in text
        assert "<li>ada" in text
        assert "access tokens that are already out" in text
        assert "own sessions, such as those of this site, are not ended" in text
        assert alive() == {hers.pk}

    @override_settings(TOKENAUTH_ACCESS_TOKEN_CHECK="signature")
    def test_is_truthful_about_access_tokens(self, hers: AuthSession, root: Client) -> None:
        """In the configured mode."""
        text = root.post(MANY, described("network")).content.decode()
        assert "work until they expire" in text

    def test_lists_few_and_counts_many(
        self, user: User, root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Above a number there is no list."""
        monkeypatch.setattr(many, "MOST_LISTED", 2)
        fill(user, 2)
        assert root.get(MANY, {"user": user.pk}).content.decode().count("<li>ada") == 2
        fill(user, 1)
        question = root.get(MANY, {"user": user.pk})
        assert "<li>ada" not in question.content.decode()
        assert numbers(question)["Sessions"] == 3

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"what": "network", "network": "10.1.0.0/40"}, "neither an address nor a network"),
            ({"what": "network", "network": ""}, "fill this in"),
            ({"what": "user", "name": "nobody"}, "no such user"),
            ({"what": "user", "name": ""}, "fill this in"),
            ({"what": "group", "group": "77"}, "not one of the available choices"),
            ({"what": "whim"}, "not one of the available choices"),
            ({"what": "everyone", "before": "soon"}, "valid date"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, hers: AuthSession, root: Client, wrong: dict[str, str], said: str
    ) -> None:
        """The form again, with what to mend; nothing ends, confirmed or not."""
        assert said in answer(root, **wrong).content.decode()
        assert alive() == {hers.pk}

    @pytest.mark.parametrize("wrong", [{"reason": "reuse"}, {"note": "x" * 201}])
    def test_a_wrong_answer_is_asked_again(
        self, user: User, hers: AuthSession, root: Client, wrong: dict[str, str]
    ) -> None:
        """The reason must be one of the list."""
        assert answer(root, user, **wrong).status_code == 200
        assert alive() == {hers.pk}

    @pytest.mark.req("REQ-118")
    def test_a_token_in_the_note_is_refused(self, user: User, app: Api, root: Client) -> None:
        """It would stay in the history for ever."""
        response = answer(root, user, note=f"stolen: {app.refresh_token}")
        assert "That is a token" in response.content.decode()
        assert len(alive()) == 1

    def test_nothing_to_end_is_said(self, user: User, root: Client) -> None:
        """A warning instead of a question."""
        response = root.get(MANY, {"user": user.pk})
        assert [level for level, _ in messages_of(response)] == ["warning"]

    @pytest.mark.parametrize("kind", ["user", "network", "group", "everyone"])
    def test_says_since_when(self, hers: AuthSession, root: Client, kind: str) -> None:
        """Not before: in words, for each way."""
        data = {"what": "user", "name": "ada"} if kind == "user" else described(kind)
        text = root.post(MANY, data | {"before": "2099-12-31 18:00"}).content.decode()
        assert "that began before Dec. 31, 2099, 6 p.m." in text

    def test_hostile_names_are_escaped(self, root: Client) -> None:
        """A user name is input as any other."""
        mallory = User.objects.create_user("<script>alert(1)</script>\u202e")
        start(mallory, device_name="<script>alert(2)</script>")
        text = root.get(MANY, {"user": mallory.pk}).content.decode()
        assert "alert(1)" in text
        assert "alert(2)" in text
        assert "<script>alert" not in text
        assert "\u202e" not in text


class TestBefore:
    @pytest.mark.parametrize("kind", ["name", "group", "network", "everyone"])
    def test_younger_ones_stay(
        self, user: User, hers: AuthSession, clock: Clock, root: Client, kind: str
    ) -> None:
        """What began at that time or later is not meant."""
        AuthSession.objects.update(created_at=clock() - timedelta(days=2))
        young = start(user, origin=Origin("10.1.2.3"))
        data = {"what": "user", "name": "ada"} if kind == "name" else described(kind)
        before = (clock() - timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
        answer(root, **data, before=before)
        assert alive() == {young.pk}


class TestYears:
    @pytest.mark.parametrize("before", ["0001-01-01 00:00", "9999-12-31 23:59"])
    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
    def test_one_that_other_time_zones_do_not_have_is_refused(
        self, user: User, root: Client, settings: Any, zone: str, before: str
    ) -> None:
        """The form says so; the database would fail."""
        settings.TIME_ZONE = zone
        data = {"what": "user", "name": user.get_username(), "before": before}
        assert "between the years" in root.post(MANY, data).content.decode()


class TestOwn:
    """The sessions of whoever acts stay, unless ticked."""

    @pytest.fixture
    def own(self, staff: User) -> AuthSession:
        """A session of the superuser who acts."""
        return start(staff, origin=Origin("10.1.2.4"))

    @pytest.mark.parametrize("kind", KINDS)
    def test_stay(
        self, hers: AuthSession, own: AuthSession, staff: User, root: Client, kind: str
    ) -> None:
        """The question says how many they are; without the box they go on."""
        data = described(kind)
        staff.groups.add(Group.objects.get())
        question = root.post(MANY, data)
        assert numbers(question) == {"Sessions": 1, "Users": 1, "Your own sessions": 1}
        answer(root, **data)
        assert alive() == {own.pk}

    @pytest.mark.parametrize("kind", KINDS)
    def test_end_when_ticked(
        self, hers: AuthSession, own: AuthSession, staff: User, root: Client, kind: str
    ) -> None:
        """And with it they end."""
        data = described(kind)
        staff.groups.add(Group.objects.get())
        answer(root, **data, own="on")
        assert alive() == set()

    def test_stay_among_users(self, hers: AuthSession, own: AuthSession, root: Client) -> None:
        """Selected among others, on the list."""
        question = act(root, "revoke_users", hers, own)
        assert not re.search(r'name="own"[^>]*checked', question.content.decode())
        confirm(root, question)
        assert alive() == {own.pk}

    def test_are_ticked_where_nothing_else_is_meant(
        self, own: AuthSession, staff: User, root: Client
    ) -> None:
        """To sign out oneself everywhere."""
        question = root.get(MANY, {"user": staff.pk})
        assert re.search(r'name="own"[^>]*checked', question.content.decode())
        assert numbers(question)["Sessions"] == 1
        response = answer(root, staff)
        assert [level for level, _ in messages_of(response)] == ["warning"]
        assert alive() == {own.pk}
        answer(root, staff, own="on")
        assert alive() == set()

    def test_stay_among_selected(self, hers: AuthSession, own: AuthSession, root: Client) -> None:
        """Even of rows that were selected one by one; the page says so."""
        data = {"action": "revoke_selected", "_selected_action": [str(hers.pk), str(own.pk)]}
        assert 'name="own"' in root.post(LIST, data).content.decode()
        response = root.post(LIST, YES | data)
        said = [level for level, _ in messages_of(response)]
        assert said == ["warning", "success"]
        assert alive() == {own.pk}
        root.post(LIST, YES | data | {"own": "on"})
        assert alive() == set()

    def test_no_box_without_them(self, hers: AuthSession, own: AuthSession, root: Client) -> None:
        """Nothing to tick where none is among them."""
        question = act(root, "revoke_users", hers)
        assert 'name="own"' not in question.content.decode()


class TestTampering:
    @pytest.mark.req("REQ-119")
    @pytest.mark.parametrize(
        "asked_at",
        ["yesterday", "2020-01-01T00:00:00", "2999-01-01T00:00:00+00:00", "0001-01-01T00:00+14:00"],
    )
    def test_of_the_time_is_refused(
        self, user: User, hers: AuthSession, root: Client, asked_at: str
    ) -> None:
        """No time, one without a zone, one to come."""
        assert answer(root, user, asked_at=asked_at).status_code == 400
        assert alive() == {hers.pk}

    @pytest.mark.req("REQ-119")
    @pytest.mark.parametrize("key", ["x", "0", "9" * 30, "\x00", "1' OR 1=1"])
    def test_of_users_is_refused(self, hers: AuthSession, root: Client, key: str) -> None:
        """Nobody: an error, no 500, and nothing ends."""
        response = answer(root, user=key)
        assert [level for level, _ in messages_of(response)] == ["error"]
        assert alive() == {hers.pk}

    @pytest.mark.req("REQ-119")
    def test_of_what_stays_is_refused(self, user: User, hers: AuthSession, root: Client) -> None:
        """What is no id of a session does not turn "all but this one" into "all"."""
        response = answer(root, user, keep="x")
        assert [level for level, _ in messages_of(response)] == ["error"]
        assert alive() == {hers.pk}

    def test_too_many_users(
        self, user: User, hers: AuthSession, bob: User, root: Client, monkeypatch: Any
    ) -> None:
        """More than may be selected at once."""
        monkeypatch.setattr("tokenauth.admin.forms.MAX_SELECTED", 1)
        response = answer(root, user, bob)
        assert [level for level, _ in messages_of(response)] == ["error"]
        response = act(root, "revoke_users", hers, start(bob))
        assert [level for level, _ in messages_of(response)][-1] == "error"
        assert hers.pk in alive()

    def test_logins_after_the_question_are_not_meant(
        self, user: User, clock: Clock, root: Client
    ) -> None:
        """Whoever has logged in again while staff were reading stays in."""
        start(user)
        question = root.get(MANY, {"user": user.pk})
        clock.advance(seconds=30)
        again = start(user)
        confirm(root, question)
        assert alive() == {again.pk}

    def test_sessions_of_deleted_users_have_no_owner(
        self, user: User, hers: AuthSession, root: Client
    ) -> None:
        """There is nobody to ask about."""
        user.delete()
        response = act(root, "revoke_users", hers)
        assert [level for level, _ in messages_of(response)] == ["warning"]


class TestRecord:
    @pytest.mark.req("REQ-121")
    @pytest.mark.parametrize("kind", KINDS)
    def test_one_entry_of_the_whole(
        self, user: User, hers: AuthSession, staff: User, root: Client, kind: str
    ) -> None:
        """Who, when, what, how many and why; and an event of each session."""
        fill(user, 2, first_ip="10.1.7.7")
        answer(root, **described(kind))
        entry = LogEntry.objects.get()
        assert entry.user == staff
        assert entry.object_repr.startswith("All sessions")
        assert entry.change_message == "Revoked 3 sessions: device lost or stolen (Ticket 4711)"
        events = AuthEvent.objects.filter(type=EventType.REVOKED)
        assert {(event.actor, event.user, event.reason, event.ip) for event in events} == {
            (staff, user, "lost", "127.0.0.1")
        }
        assert {event.session_id for event in events} == {
            row.pk for row in AuthSession.objects.all()
        }
        assert root.get("/admin/").status_code == 200  # lists recent actions, of no object too

    @pytest.mark.req("REQ-121")
    def test_one_entry_of_each_user_who_is_named(
        self, user: User, hers: AuthSession, bob: User, staff: User, root: Client
    ) -> None:
        """In the user's own history; none for whom nothing ended."""
        fill(bob, 2)
        eve = User.objects.create_user("eve")
        answer(root, user, bob, eve)
        entries = {entry.object_id: entry.change_message for entry in LogEntry.objects.all()}
        assert entries == {
            str(user.pk): "Revoked 1 session: device lost or stolen (Ticket 4711)",
            str(bob.pk): "Revoked 2 sessions: device lost or stolen (Ticket 4711)",
        }
        history = root.get(reverse("admin:auth_user_history", args=[bob.pk])).content.decode()
        assert "Revoked 2 sessions" in history

    @pytest.mark.req("REQ-120")
    def test_the_count_is_that_of_the_rows_changed(self, user: User, root: Client) -> None:
        """Not what was counted before: one has ended meanwhile."""
        rows = fill(user, 3)
        question = root.get(MANY, {"user": user.pk})
        assert numbers(question)["Sessions"] == 3
        root.post(page(rows[0], "revoke"), YES)
        response = confirm(root, question)
        assert messages_of(response)[-1][1].split()[0] == "2"
        assert AuthEvent.objects.filter(type=EventType.REVOKED).count() == 3


class TestTime:
    @pytest.fixture
    def slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a request end two sessions, one in each batch."""

        def small(*args: Any, **more: Any) -> Any:
            ticks = count()
            monkeypatch.setattr("tokenauth.system.monotonic", lambda: next(ticks))
            return revoke_matching(*args, **{**more, "batch_size": 1, "max_seconds": 3})

        monkeypatch.setattr(revoking, "revoke_matching", small)

    @pytest.mark.parametrize("kind", ["everyone", "users"])
    def test_a_page_goes_on(
        self, user: User, slow: None, clock: Clock, root: Client, kind: str
    ) -> None:
        """It says how many are left, and its button ends the rest, without JavaScript."""
        fill(user, 5)
        data = {"user": str(user.pk)} if kind == "users" else described(kind)
        response: Any = answer(root, **data)
        left = []
        while response.status_code == 200:
            found = re.search(r"(\d+) (?:is|are) left", response.content.decode())
            assert found
            left.append(int(found[1]))
            clock.advance(seconds=20)
            response = confirm(root, response)
        assert left == [3, 1]
        assert alive() == set()
        assert [entry.change_message[:9] for entry in LogEntry.objects.order_by("pk")] == [
            "Revoked 2",
            "Revoked 2",
            "Revoked 1",
        ]

    @pytest.mark.django_db(transaction=True)
    def test_a_busy_database_is_told(
        self, user: User, staff: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No 500; what had ended by then is counted and logged, and the button goes on."""
        client = Client()
        client.force_login(staff)
        fill(user, 2)
        turn, update = count(), SessionQuerySet.update

        def refuse(query: SessionQuerySet, **values: Any) -> int:
            if next(turn) in {1, 2, 3}:
                raise OperationalError("deadlock detected")
            return update(query, **values)

        monkeypatch.setattr(
            revoking,
            "revoke_matching",
            lambda *args, **more: revoke_matching(*args, **{**more, "batch_size": 1}),
        )
        monkeypatch.setattr(SessionQuerySet, "update", refuse)
        response = answer(client, user)
        assert "1 session was revoked just now" in response.content.decode()
        assert "the database was busy" in response.content.decode()
        assert LogEntry.objects.count() == 1
        assert confirm(client, response).status_code == 302
        assert alive() == set()


class TestAddress:
    @pytest.mark.req("REQ-118")
    def test_a_token_is_left_at_once(self, app: Api, root: Client) -> None:
        """Pasted into the address of the page, it is gone from the next."""
        response = root.get(MANY, {"name": str(app.refresh_token), "user": "1"})
        assert (response.status_code, response["Location"]) == (302, f"{MANY}?user=1")

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.req("REQ-29", "REQ-117")
    def test_it_commits_under_atomic_requests(
        self, user: User, staff: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each batch, whatever becomes of the page: here its history entry fails."""
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", value=True)
        client = Client(raise_request_exception=False)
        client.force_login(staff)
        start(user)

        def fail(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError("the disk is full")

        monkeypatch.setattr(revoking, "_log", fail)
        assert answer(client, user).status_code == 500
        assert alive() == set()
