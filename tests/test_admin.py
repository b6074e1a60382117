"""The pages of sessions: who sees what, and that nothing can be changed there."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD, Clock
from tokenauth import sessions, system
from tokenauth.audit import Origin
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken

LIST = "/admin/tokenauth/authsession/"
EVENTS = "/admin/tokenauth/authevent/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def page(session: Any, name: str = "change") -> str:
    """Return the address of a page about one session."""
    return reverse(f"admin:tokenauth_authsession_{name}", args=[session.pk])


def start(user: Any, **more: Any) -> AuthSession:
    """Start a session of an app, and return its row."""
    return sessions.start_session(user, client="app", **more).session


def status(client: Client, session: AuthSession) -> str:
    """Return the status that the list shows for one session."""
    text = client.get(LIST, {"q": str(session.pk)}).content.decode()
    found = re.findall(r'class="tokenauth-status tokenauth-(\w+)">([^<]*)<', text)
    assert len(found) == 1
    kind, label = found[0]
    assert label.startswith({"revoked": ("revoked", "ended")}.get(kind, kind))
    return str(label)


@pytest.fixture
def root(staff: User) -> Client:
    """The superuser's browser."""
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def staff_with(db: None) -> Callable[..., Client]:
    """Make the browser of a member of staff with these permissions and no others."""

    def make(*codenames: str, is_staff: bool = True) -> Client:
        member = User.objects.create_user(f"staff-{uuid.uuid4()}", is_staff=is_staff)
        member.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        assert member.user_permissions.count() == len(codenames)
        client = Client()
        client.force_login(member)
        return client

    return make


class TestPermissions:
    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize("name", ["changelist", "change", "history", "revoke"])
    def test_anonymous_is_sent_to_the_login(self, user: User, client: Client, name: str) -> None:
        """Nobody sees a page without logging in to the admin."""
        address = LIST if name == "changelist" else page(start(user), name)
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")

    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize("name", ["changelist", "change", "history", "revoke"])
    def test_staff_without_the_permission_is_refused(
        self, user: User, staff_with: Callable[..., Client], name: str
    ) -> None:
        """Being staff is not enough: every page is a 403 without view_authsession."""
        address = LIST if name == "changelist" else page(start(user), name)
        assert staff_with().get(address).status_code == 403

    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize("name", ["changelist", "change", "history"])
    def test_view_permission_shows_any_users_sessions(
        self, user: User, staff_with: Callable[..., Client], name: str
    ) -> None:
        """With view_authsession the list, a session and its history are shown."""
        address = LIST if name == "changelist" else page(start(user), name)
        assert staff_with("view_authsession").get(address).status_code == 200

    @pytest.mark.req("REQ-116")
    def test_view_permission_does_not_offer_to_revoke(
        self, user: User, staff_with: Callable[..., Client]
    ) -> None:
        """Neither the button nor the action is there for those who may not."""
        session = start(user)
        client = staff_with("view_authsession")
        assert page(session, "revoke") not in client.get(page(session)).content.decode()
        assert "revoke_selected" not in client.get(LIST).content.decode()

    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize("held", [(), ("view_authsession",), ("revoke_authsession",)])
    def test_the_post_is_guarded_not_only_the_button(
        self, user: User, staff_with: Callable[..., Client], held: tuple[str, ...]
    ) -> None:
        """A revocation posted without both permissions is a 403 and ends nothing."""
        session = start(user)
        data = {"confirmed": "yes", "reason": "admin"}
        assert staff_with(*held).post(page(session, "revoke"), data).status_code == 403
        session.refresh_from_db()
        assert session.revoked_at is None

    @pytest.mark.req("REQ-116")
    def test_the_action_is_guarded_too(self, user: User, staff_with: Callable[..., Client]) -> None:
        """An action posted without the permission ends nothing."""
        session = start(user)
        data = {
            "action": "revoke_selected",
            "_selected_action": str(session.pk),
            "confirmed": "yes",
            "reason": "admin",
        }
        staff_with("view_authsession").post(LIST, data)
        session.refresh_from_db()
        assert session.revoked_at is None

    def test_refresh_tokens_have_no_page_of_their_own(self) -> None:
        """The history is part of a session's page; RefreshToken is not registered."""
        assert not admin.site.is_registered(RefreshToken)


class TestReadOnly:
    @pytest.mark.req("REQ-119")
    def test_nothing_can_be_added(self, root: Client) -> None:
        """A superuser cannot add a session or an event."""
        for address in (LIST, EVENTS):
            assert root.get(f"{address}add/").status_code == 403
            assert root.post(f"{address}add/", {}).status_code == 403

    @pytest.mark.req("REQ-119")
    def test_a_tampered_form_changes_nothing(self, user: User, root: Client) -> None:
        """A POST of every column to the page of a session is a 403, and no column changes."""
        session = start(user)
        before = AuthSession.objects.values().get(pk=session.pk)
        data = dict.fromkeys(before, "1") | {"expires_at_0": "2099-01-01", "user": "1"}
        assert root.post(page(session), data).status_code == 403
        assert AuthSession.objects.values().get(pk=session.pk) == before

    @pytest.mark.req("REQ-119")
    def test_the_page_has_no_input_for_a_column(self, user: User, root: Client) -> None:
        """Everything is text: the form of the page has no field to type into."""
        text = root.get(page(start(user))).content.decode()
        form = text[text.index('id="authsession_form"') :]
        assert set(re.findall(r'<(?:input|select|textarea)[^>]*name="(\w+)"', form)) <= {
            "csrfmiddlewaretoken"
        }

    @pytest.mark.req("REQ-120")
    def test_nothing_can_be_deleted(self, user: User, root: Client) -> None:
        """The delete page of a session is a 403 for a superuser, by GET and by POST."""
        session = start(user)
        assert root.get(page(session, "delete")).status_code == 403
        assert root.post(page(session, "delete"), {"post": "yes"}).status_code == 403
        assert AuthSession.objects.filter(pk=session.pk).exists()

    @pytest.mark.req("REQ-120")
    def test_deleting_is_no_action(self, user: User, root: Client) -> None:
        """The stock "delete selected" is neither offered nor carried out."""
        session = start(user)
        assert "delete_selected" not in root.get(LIST).content.decode()
        data = {"action": "delete_selected", "_selected_action": str(session.pk), "post": "yes"}
        root.post(LIST, data)
        assert AuthSession.objects.filter(pk=session.pk).exists()

    @pytest.mark.req("REQ-120")
    def test_events_can_only_be_read(self, user: User, root: Client) -> None:
        """An event has a page, and no delete, no change."""
        start(user)
        event = AuthEvent.objects.get(type=EventType.LOGIN)
        assert root.get(f"{EVENTS}{event.pk}/change/").status_code == 200
        assert root.post(f"{EVENTS}{event.pk}/change/", {"type": "x"}).status_code == 403
        assert root.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code == 403


class TestStatus:
    def test_active(self, clock: Clock, user: User, root: Client) -> None:
        """A living session is active."""
        assert status(root, start(user)) == "active"

    def test_expired(self, clock: Clock, user: User, root: Client) -> None:
        """From its absolute end on it is expired, which is not the same as revoked."""
        session = start(user)
        clock.advance(days=30)
        AuthSession.objects.update(expires_at=session.absolute_expires_at)
        assert status(root, session) == "expired"

    def test_expired_for_lack_of_use(self, clock: Clock, user: User, root: Client) -> None:
        """What has ended before its absolute end was idle."""
        session = start(user)
        clock.advance(days=14)
        assert status(root, session) == "idle-expired"

    def test_revoked_with_its_reason(self, user: User, root: Client) -> None:
        """A revoked session says why."""
        session = start(user)
        sessions.revoke_session(session, reason="lost")
        assert status(root, session) == "revoked: device lost or stolen"

    def test_revoked_without_a_reason(self, user: User, root: Client) -> None:
        """A row that was revoked by SQL alone is revoked."""
        session = start(user)
        AuthSession.objects.filter(pk=session.pk).update(revoked_at=system.now())
        assert status(root, session) == "revoked"

    def test_a_reason_of_the_project(self, user: User, root: Client) -> None:
        """A reason that this package does not know is shown as it is."""
        session = start(user)
        sessions.revoke_session(session, reason="licence <i>")
        assert status(root, session) == "revoked: licence &lt;i&gt;"

    def test_a_deactivated_account_is_not_active(self, user: User, root: Client) -> None:
        """A session of a user who was deactivated in bulk never shows as active."""
        session = start(user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert status(root, session) == "ended: account changed"

    def test_a_changed_password_is_not_active(self, user: User, root: Client) -> None:
        """Nor does one from before a change of password, by whatever way."""
        session = start(user)
        User.objects.filter(pk=user.pk).update(password="md5$a$b")
        assert status(root, session) == "ended: account changed"

    def test_without_a_user_it_is_ended(self, user: User, root: Client) -> None:
        """A row whose user is gone, deleted by SQL, is ended."""
        session = start(user)
        AuthSession.objects.filter(pk=session.pk).update(user=None)
        assert status(root, session) == "ended: account changed"


class TestList:
    def test_the_newest_comes_first(self, clock: Clock, user: User, root: Client) -> None:
        """The order is that of the time-ordered id."""
        first = start(user)
        clock.advance(seconds=1)
        second = start(user)
        text = root.get(LIST).content.decode()
        assert 0 < text.index(page(second)) < text.index(page(first))

    def test_the_query_count_is_constant(
        self, staff: User, root: Client, django_assert_num_queries: Any
    ) -> None:
        """50 sessions of 50 users cost as many queries as 5 of 5."""
        counts = []
        for more in (5, 45):
            for number in range(more):
                start(User.objects.create_user(f"user-{more}-{number}"))
            with django_assert_num_queries(4) as captured:
                response = root.get(LIST)
            counts.append(len(captured))
            assert response.context["cl"].result_count == AuthSession.objects.count()
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("term", ["ADA", "lovelace@", "192.0.2.7", "198.51.100.1"])
    def test_search(self, user: User, root: Client, term: str) -> None:
        """Sessions are found by user name, e-mail, first and last address."""
        User.objects.filter(pk=user.pk).update(email="lovelace@example.org")
        other = start(User.objects.create_user("bob"), origin=Origin("192.0.2.70"))
        wanted = start(user, origin=Origin("192.0.2.7"))
        AuthSession.objects.filter(pk=wanted.pk).update(last_ip="198.51.100.1")
        text = root.get(LIST, {"q": term}).content.decode()
        assert page(wanted) in text
        assert page(other) not in text

    @pytest.mark.parametrize("spelling", [str, lambda pk: pk.hex])
    def test_search_by_id(self, user: User, root: Client, spelling: Any) -> None:
        """A session is found by its id, with and without hyphens."""
        other, wanted = start(user), start(user)
        text = root.get(LIST, {"q": spelling(wanted.pk)}).content.decode()
        assert page(wanted) in text
        assert page(other) not in text

    def test_search_for_nothing_that_exists(self, user: User, root: Client) -> None:
        """A term that nothing has finds nothing."""
        session = start(user)
        assert page(session) not in root.get(LIST, {"q": "nobody at all"}).content.decode()

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"client": "app"}, 2),
            ({"client": "browser"}, 0),
            ({"revoked": "no"}, 1),
            ({"revoked": "lost"}, 1),
            ({"revoked": "logout"}, 0),
        ],
    )
    def test_filters(self, user: User, root: Client, query: dict[str, str], found: int) -> None:
        """The list is narrowed by client and by the reason of a revocation."""
        start(user)
        sessions.revoke_session(start(user), reason="lost")
        assert root.get(LIST, query).context["cl"].result_count == found

    def test_the_sessions_of_one_user_have_an_address(self, user: User, root: Client) -> None:
        """?user= with the key of a user lists that user's sessions."""
        start(user)
        start(User.objects.create_user("bob"))
        assert root.get(LIST, {"user": user.pk}).context["cl"].result_count == 1

    @pytest.mark.req("REQ-118")
    @pytest.mark.parametrize(
        "lookup",
        [
            "auth_hash__startswith",
            "seed__gt",
            "user__password__startswith",
            "floor",
            "revoked_note",
        ],
    )
    def test_columns_are_no_oracle(self, user: User, root: Client, lookup: str) -> None:
        """The address filters by nothing that the page does not offer, secret columns least.

        Django alone allows every column of the row itself: a hash could be guessed by characters.
        """
        start(user)
        assert root.get(LIST, {lookup: "a"}).status_code == 400

    def test_a_device_reads_as_browser_and_system(self, user: User, root: Client) -> None:
        """A user agent is shown in short; a name that the user gave comes first."""
        start(user, origin=Origin("192.0.2.1", FIREFOX))
        start(user, device_name="Kitchen tablet", origin=Origin("192.0.2.1", FIREFOX))
        text = root.get(LIST).content.decode()
        assert text.count("Firefox on Linux") == 1
        assert "Kitchen tablet" in text


class TestPage:
    @pytest.mark.parametrize("key", ["nonsense", str(uuid.UUID(int=7)), "1"])
    @pytest.mark.parametrize("name", ["change", "history", "delete"])
    def test_unknown_sessions(self, root: Client, key: str, name: str) -> None:
        """An id that no session has leads back, to a 403 or to a 404, never to a 500."""
        response = root.get(f"{LIST}{key}/{name}/")
        assert response.status_code in {302, 403, 404}

    def test_what_has_ended_is_not_offered_for_revocation(
        self, clock: Clock, user: User, root: Client
    ) -> None:
        """The button is there while there is something to revoke."""
        living, ended = start(user), start(user)
        sessions.revoke_session(ended, reason="lost")
        assert page(living, "revoke") in root.get(page(living)).content.decode()
        assert page(ended, "revoke") not in root.get(page(ended)).content.decode()
        clock.advance(days=14)
        assert page(living, "revoke") not in root.get(page(living)).content.decode()


class TestEvents:
    @pytest.fixture
    def wanted(self, user: User) -> AuthEvent:
        """Ada's login, beside one of Bob's."""
        session = start(user, origin=Origin("192.0.2.7"))
        start(User.objects.create_user("bob"), origin=Origin("192.0.2.70"))
        return AuthEvent.objects.get(session_id=session.pk)

    @pytest.mark.parametrize("by", ["session_id", "ip", "user_key"])
    def test_search(self, wanted: AuthEvent, root: Client, by: str) -> None:
        """Events are found by session, address and the user's key, each exactly."""
        found = root.get(EVENTS, {"q": str(getattr(wanted, by))}).context["cl"].result_list
        assert list(found) == [wanted]

    def test_without_a_search_all_are_there(self, wanted: AuthEvent, root: Client) -> None:
        """The list holds every event, the newest first."""
        found = root.get(EVENTS).context["cl"].result_list
        assert [event.pk for event in found] == sorted((e.pk for e in found), reverse=True)
        assert len(found) == AuthEvent.objects.count() == 2

    @pytest.mark.req("REQ-116")
    def test_the_permission(self, wanted: AuthEvent, staff_with: Callable[..., Client]) -> None:
        """Who sees sessions does not thereby see the trail of everybody."""
        assert staff_with("view_authsession").get(EVENTS).status_code == 403
        assert staff_with("view_authevent").get(EVENTS).status_code == 200


class TestDeletingUsers:
    @pytest.fixture
    def history(self, clock: Clock, user: User) -> AuthSession:
        """A session of Ada's with rotations and events, and one that she ended as staff."""
        tokens = sessions.start_session(user, client="app", origin=Origin("192.0.2.1", FIREFOX))
        assert tokens.refresh
        clock.advance(seconds=60)
        sessions.rotate(tokens.refresh, transport="body", origin=Origin("192.0.2.2", FIREFOX))
        other = start(User.objects.create_user("bob"))
        sessions.revoke_session(other, reason="admin", actor=user)
        return tokens.session

    @pytest.mark.req("REQ-120")
    def test_staff_with_that_permission_alone_can(
        self, user: User, history: AuthSession, staff_with: Callable[..., Client]
    ) -> None:
        """delete_user is enough, whatever sessions, history and events there are."""
        client = staff_with("view_user", "delete_user")
        address = reverse("admin:auth_user_delete", args=[user.pk])
        assert client.get(address).status_code == 200
        assert client.post(address, {"post": "yes"}).status_code == 302
        assert not User.objects.filter(pk=user.pk).exists()

    @pytest.mark.req("REQ-23", "REQ-120")
    def test_sessions_end_and_forget_who_it_was(
        self, user: User, history: AuthSession, root: Client
    ) -> None:
        """The row stays as a trace, revoked, without user, address and browser."""
        root.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
        history.refresh_from_db()
        assert (history.user_id, history.revoked_reason) == (None, "deleted")
        assert (history.first_ip, history.last_ip, history.last_user_agent) == (None, None, "")
        assert status(root, history) == "revoked: account deleted"

    @pytest.mark.req("REQ-120")
    def test_events_stay(self, user: User, history: AuthSession, root: Client) -> None:
        """The audit keeps the user's key, as owner and as actor, and no more than that."""
        key = str(user.pk)
        root.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
        login = AuthEvent.objects.get(type=EventType.LOGIN, session_id=history.pk)
        assert (login.user_id, login.user_key, login.ip) == (None, key, None)
        acted = AuthEvent.objects.get(actor_key=key)
        assert acted.actor_id is None

    @pytest.mark.req("REQ-120")
    def test_many_at_once(self, user: User, history: AuthSession, root: Client) -> None:
        """The stock action that deletes selected users works as well."""
        data = {"action": "delete_selected", "_selected_action": str(user.pk), "post": "yes"}
        assert root.post(reverse("admin:auth_user_changelist"), data).status_code == 302
        history.refresh_from_db()
        assert history.user_id is None
        assert history.revoked_at is not None


def test_login_to_the_admin_is_djangos(client: Client, staff: User) -> None:
    """The admin keeps its own login: a Django session, and none of ours."""
    client.login(username="root", password=PASSWORD)
    assert client.get("/admin/").status_code == 200
    assert not AuthSession.objects.exists()
