"""The summary of a session, and the user's other sessions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import Clock
from tests.test_admin import EVENTS, LIST, page, root, staff_with
from tests.test_admin_timeline import text_of
from tests.test_moves import ELSEWHERE, HOME, SAFARI, THIEF, move
from tokenauth import sessions
from tokenauth.admin.display import describe_methods, exact, relative
from tokenauth.admin.page import MAX_SIBLINGS
from tokenauth.audit import Origin
from tokenauth.issuing import Tokens
from tokenauth.models import AuthSession

__all__ = ["root", "staff_with"]  # fixtures

pytestmark = pytest.mark.any_database


@pytest.fixture
def home(user: User, clock: Clock) -> Tokens:
    """A session that began at home, by password and code."""
    return sessions.start_session(user, client="app", origin=HOME, amr=("pwd", "otp"))


@pytest.fixture
def line(root: Client) -> Callable[..., str]:
    """Read one line of the summary of a session, as text."""

    def read(tokens: Tokens, name: str) -> str:
        form = root.get(page(tokens.session)).context["adminform"]
        for fieldset in form:
            for row in fieldset:
                for field in row:
                    if field.field["field"] == name:
                        return text_of(Html(field.contents())).strip()
        raise AssertionError(name)

    return read


class Html:
    """A piece of a page, as a response has it."""

    def __init__(self, text: str) -> None:
        self.content = text.encode()


class TestSummary:
    def test_status_of_a_living_one(self, home: Tokens, line: Any) -> None:
        """It is active, and that is all."""
        assert line(home, "status_line") == "active"

    @pytest.mark.req("REQ-125")
    def test_status_of_a_revoked_one(
        self, home: Tokens, clock: Clock, staff: User, line: Any
    ) -> None:
        """Why, when, by whom, and their note."""
        facts: dict[str, Any] = {"reason": "lost", "actor": staff, "note": "Ticket 7"}
        sessions.revoke_session(home.session, **facts)
        clock.advance(hours=2)
        status = line(home, "status_line").replace("\xa0", " ")
        assert status == "revoked: device lost or stolen 2 hours ago by root Ticket 7"

    @pytest.mark.parametrize(
        ("name", "agent", "text"),
        [
            ("", SAFARI, "Safari on iPhone (phone)"),
            ("Ada's phone", SAFARI, "Ada's phone (Safari on iPhone, phone)"),
            ("Ada's phone", "", "Ada's phone"),
            ("", "", "unknown"),
            ("", "okhttp/4.12.0", "okhttp (other)"),
        ],
    )
    def test_device(
        self, user: User, clock: Clock, line: Any, name: str, agent: str, text: str
    ) -> None:
        """Its name first, then browser and system, and a word for what kind of thing it is."""
        origin = Origin("192.0.2.1", agent)
        tokens = sessions.start_session(user, client="app", origin=origin, device_name=name)
        assert line(tokens, "device_line") == text

    def test_a_new_device(self, home: Tokens, user: User, line: Any) -> None:
        """It says so, and not of the old one."""
        other = sessions.start_session(user, client="app", origin=THIEF)
        assert line(other, "device_line") == "curl (other) new device"
        assert "new device" not in line(home, "device_line")

    def test_where(self, home: Tokens, clock: Clock, line: Any) -> None:
        """One address, and where it began if that was elsewhere."""
        assert line(home, "where_line") == "192.0.2.1"
        clock.advance(minutes=1)
        move(home, ELSEWHERE)
        assert line(home, "where_line") == "198.51.100.7 signed in at 192.0.2.1"

    def test_where_it_is_not_known(self, user: User, clock: Clock, line: Any) -> None:
        """It says that, rather than nothing."""
        tokens = sessions.start_session(user, client="app")
        assert line(tokens, "where_line") == "unknown"
        AuthSession.objects.update(first_ip="192.0.2.1")
        assert line(tokens, "where_line") == "unknown signed in at 192.0.2.1"

    def test_methods(self, home: Tokens, clock: Clock, line: Any) -> None:
        """In words; after a step-up, with the time of it."""
        assert line(home, "methods_line") == "password, one-time code"
        at = clock.advance(hours=1)
        sessions.step_up(home.session, amr=("hwk",), origin=HOME)
        assert line(home, "methods_line") == f"hardware key, on {exact(at)}"

    def test_methods_that_are_not_known(self, user: User, clock: Clock, line: Any) -> None:
        """A project that says none leaves none to be shown."""
        tokens = sessions.start_session(user, client="app")
        assert line(tokens, "methods_line") == "not known"
        assert describe_methods("pwd") == describe_methods(None) == ""

    def test_last_seen_is_relative_with_the_exact_time_in_reach(
        self, home: Tokens, clock: Clock, root: Client, line: Any
    ) -> None:
        """By the package's clock, and by no other."""
        seen = clock()
        clock.advance(days=3, hours=1)
        assert line(home, "seen_line").replace("\xa0", " ") == "3 days, 1 hour ago"
        text = root.get(page(home.session)).content.decode()
        assert f'<time datetime="{seen.isoformat()}" title="{exact(seen)}">' in text

    def test_what_ends_it(self, home: Tokens, clock: Clock, line: Any) -> None:
        """Idleness, then age, then nothing more."""
        AuthSession.objects.update(absolute_expires_at=clock() + timedelta(days=20))
        read = line(home, "end_line").replace("\xa0", " ")
        assert read == "in 2 weeks , unless it is used before; in 2 weeks, 6 days at the latest"
        AuthSession.objects.update(absolute_expires_at=home.session.expires_at)
        assert line(home, "end_line").endswith(", however much it is used")
        clock.advance(days=15)
        assert line(home, "end_line") == "It has ended: no request can use it any more."

    @pytest.mark.req("REQ-119")
    def test_details_are_there_too(self, home: Tokens, root: Client) -> None:
        """Everything that is no secret, folded away: both ends among it."""
        form = root.get(page(home.session)).context["adminform"]
        shown = {field.field["name"] for part in form for row in part for field in row}
        assert {"expires_at", "absolute_expires_at", "moves", "grace_count", "note_line"} <= shown


class TestRelative:
    @pytest.mark.parametrize(
        ("age", "text"),
        [
            ({"seconds": 0}, "just now"),
            ({"seconds": 59}, "just now"),
            ({"seconds": -59}, "in less than a minute"),
            ({"minutes": 1}, "1 minute ago"),
            ({"days": 400}, "1 year, 1 month ago"),
            ({"hours": -5}, "in 5 hours"),
        ],
    )
    def test_both_ways(self, clock: Clock, age: dict[str, float], text: str) -> None:
        """How long ago, or how soon."""
        html = relative(clock() - timedelta(**age), clock()).replace("\xa0", " ")
        assert f">{text}</time>" in html


class TestSiblings:
    def test_the_newest_of_the_same_user(
        self, home: Tokens, clock: Clock, user: User, root: Client
    ) -> None:
        """Ten at most, the newest first, with status and link; nobody else's, and not itself."""
        others = []
        for number in range(MAX_SIBLINGS + 2):
            clock.advance(minutes=1)
            origin = Origin(f"198.51.100.{number}", SAFARI)
            others.append(sessions.start_session(user, client="app", origin=origin).session)
        sessions.start_session(User.objects.create_user("bob"), client="app")
        sessions.revoke_session(others[-1], reason="lost")
        found = root.get(page(home.session)).context["siblings"]
        newest = [page(session) for session in others[: -MAX_SIBLINGS - 1 : -1]]
        assert [row["address"] for row in found] == newest
        assert found[0]["where"] == "198.51.100.11"
        assert "revoked: device lost or stolen" in found[0]["status"]
        assert "active" in found[1]["status"]

    def test_the_status_is_judged_by_the_account(
        self, home: Tokens, user: User, root: Client
    ) -> None:
        """Others of a deactivated user are no more active than this one."""
        sessions.start_session(user, client="app")
        User.objects.update(is_active=False)
        User.objects.filter(username="root").update(is_active=True)
        [row] = root.get(page(home.session)).context["siblings"]
        assert "ended: account changed" in row["status"]

    def test_a_link_to_all_of_them(self, home: Tokens, user: User, root: Client) -> None:
        """It leads to the list of that user's sessions."""
        address = root.get(page(home.session)).context["siblings_address"]
        assert address == f"{LIST}?user={user.pk}"
        assert root.get(address).context["cl"].result_count == 1

    def test_a_session_without_a_user_has_none(self, home: Tokens, root: Client) -> None:
        """Sessions of deleted users are not one another's."""
        copy = AuthSession.objects.get()
        copy.pk = AuthSession().pk
        copy.save(force_insert=True)
        AuthSession.objects.update(user=None)
        response = root.get(page(home.session))
        assert response.context["siblings"] == []
        assert "Other sessions of this user" not in response.content.decode()

    @pytest.mark.req("REQ-116")
    def test_all_events_are_linked_for_those_who_may_see_them(
        self, home: Tokens, root: Client, staff_with: Callable[..., Client]
    ) -> None:
        """By the id of the session, and only with the permission."""
        address = f"{EVENTS}?q={home.session.pk}"
        assert root.get(page(home.session)).context["events_address"] == address
        assert root.get(address).context["cl"].result_count == 1
        client = staff_with("view_authsession")
        assert client.get(page(home.session)).context["events_address"] == ""
