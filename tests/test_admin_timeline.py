"""The timeline of a session."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import Clock
from tests.test_admin import page, root
from tests.test_moves import ELSEWHERE, HOME, SAFARI, THIEF, move
from tokenauth import sessions
from tokenauth.admin.display import exact
from tokenauth.admin.stories import Entry
from tokenauth.admin.timeline import MAX_EVENTS
from tokenauth.audit import HISTORY_KEPT, Origin
from tokenauth.issuing import Tokens
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken

__all__ = ["root"]  # a fixture

pytestmark = pytest.mark.any_database


@pytest.fixture
def home(user: User, clock: Clock) -> Tokens:
    """A session that began at home a minute ago."""
    tokens = sessions.start_session(user, client="app", origin=HOME)
    clock.advance(minutes=1)
    return tokens


@pytest.fixture
def entries(root: Client) -> Callable[[Any], list[Entry]]:
    """Read the lines of the page of a session, the newest first."""

    def read(tokens: Any) -> list[Entry]:
        session = getattr(tokens, "session", tokens)
        return list(root.get(page(session)).context["timeline"].entries)

    return read


def rotate_often(tokens: Tokens, clock: Clock, times: int, origin: Origin = HOME) -> Tokens:
    """Refresh so many times, a minute apart."""
    for _ in range(times):
        tokens = move(tokens, origin)
        clock.advance(minutes=1)
    return tokens


def kinds(found: list[Entry]) -> list[str]:
    """Return what the lines are about."""
    return [entry.kind for entry in found]


def text_of(response: Any) -> str:
    """Return what a reader sees of a page: without tags, in one line."""
    body = re.sub(r"<(script|style).*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&#x27;", "'")


class TestRotations:
    def test_are_one_line_where_nothing_changed(
        self, home: Tokens, clock: Clock, entries: Any
    ) -> None:
        """37 rotations in one place are one line, with the first and the last time."""
        first = clock()
        rotate_often(home, clock, 37)
        found = entries(home)
        assert kinds(found) == ["rotation", "login"]
        assert "37 times" in found[0].what
        assert exact(first) in found[0].what
        assert [place.address for place in found[0].places] == ["192.0.2.1"]

    def test_one_alone(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """A single one has no "between"."""
        rotate_often(home, clock, 1)
        assert entries(home)[0].what == "The refresh token was rotated."

    def test_a_move_parts_them_and_is_told_once(
        self, home: Tokens, clock: Clock, entries: Any
    ) -> None:
        """The event of a move stands for its rotation; those after it are at the new place."""
        tokens = rotate_often(home, clock, 3)
        rotate_often(tokens, clock, 4, ELSEWHERE)
        found = entries(home)
        assert kinds(found) == ["rotation", "moved", "rotation", "login"]
        assert ("3 times" in found[0].what, "3 times" in found[2].what) == (True, True)
        assert [place.address for place in found[0].places] == ["198.51.100.7"]

    def test_any_other_event_parts_them(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """What happened in between stands in between."""
        tokens = rotate_often(home, clock, 2)
        tokens = sessions.step_up(tokens.session, amr=("pwd", "otp"), origin=HOME)
        clock.advance(minutes=1)
        rotate_often(tokens, clock, 2)
        assert kinds(entries(home)) == ["rotation", "step_up", "rotation", "login"]

    def test_a_move_without_an_event_is_marked_too(
        self, home: Tokens, clock: Clock, entries: Any
    ) -> None:
        """After the twentieth move, or if an event could not be written, the history tells it."""
        tokens = rotate_often(home, clock, 2)
        rotate_often(tokens, clock, 2, Origin("192.0.2.1", SAFARI))
        AuthEvent.objects.filter(type=EventType.MOVED).delete()
        found = entries(home)
        assert kinds(found) == ["rotation", "rotation", "login"]
        [place] = found[0].places
        assert (place.is_new_device, place.is_new_address) == (True, False)

    def test_only_the_newest_are_read(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """At most 50 rows of history, whatever has not been trimmed yet."""
        RefreshToken.objects.bulk_create(
            RefreshToken(session=home.session, generation=number, issued_at=clock())
            for number in range(1, 80)
        )
        assert f"{HISTORY_KEPT} times" in entries(home)[0].what


class TestEvents:
    def test_a_move_shows_both_places(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """Before and after, side by side; what has changed is marked, and a sentence says it."""
        for origin, what, marks in (
            (ELSEWHERE, "The address changed.", (True, False)),
            (Origin(ELSEWHERE.ip, SAFARI), "The browser changed.", (False, True)),
            (THIEF, "Address and browser changed at once.", (True, True)),
        ):
            home = rotate_often(home, clock, 1, origin)
            entry = entries(home)[0]
            before, then = entry.places
            assert entry.what == what
            assert (then.is_new_address, then.is_new_device) == marks
            assert (before.is_new_address, before.is_new_device) == (False, False)
            assert entry.alarms == (marks == (True, True))

    def test_late_and_repeated_answers(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """Each has a line: which in a row it was, and to where it went."""
        move(home, HOME)
        move(home, THIEF)
        clock.advance(hours=1)
        move(home, HOME)
        found = entries(home)
        assert kinds(found) == ["late_answer", "repeated_elsewhere", "rotation", "login"]
        assert [place.device for place in found[1].places] == ["Firefox on Windows", "curl"]
        assert not found[0].facts

    def test_late_answers_in_a_row_are_counted(
        self, home: Tokens, clock: Clock, entries: Any
    ) -> None:
        """The second in a row says so."""
        tokens = home
        for _ in range(2):
            move(tokens, HOME)
            clock.advance(hours=1)
            tokens = move(tokens, HOME)
            clock.advance(hours=1)
        assert entries(home)[0].facts == ("Late answer 2 in a row.",)

    def test_a_step_up_says_how(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """In words."""
        sessions.step_up(home.session, amr=("pwd", "otp", "badge"), origin=HOME)
        assert entries(home)[0].facts == ("By: password, one-time code, badge.",)

    def test_a_failed_step_up(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """A wrong password is part of the story."""
        sessions.record_failed_login(client="app", origin=THIEF, session=home.session)
        entry = entries(home)[0]
        assert entry.what == "A step-up failed: the password was wrong."
        assert [place.device for place in entry.places] == ["curl"]

    @pytest.mark.req("REQ-121", "REQ-125")
    def test_a_revocation_says_who_and_why(
        self, home: Tokens, clock: Clock, staff: User, entries: Any
    ) -> None:
        """By whom, the reason, the note, and from where."""
        facts: dict[str, Any] = {"reason": "lost", "actor": staff, "note": "Ticket 7"}
        sessions.revoke_session(home.session, origin=ELSEWHERE, **facts)
        entry = entries(home)[0]
        assert entry.what == "Revoked."
        assert entry.facts == ("By root.", "Reason: device lost or stolen.", "Note: Ticket 7")
        assert [place.address for place in entry.places] == ["198.51.100.7"]

    def test_the_end_of_all_sessions_at_once(
        self, home: Tokens, clock: Clock, user: User, staff: User, entries: Any
    ) -> None:
        """One event ends all of a user's sessions, and the page of each shows it."""
        sessions.start_session(user, client="app")
        clock.advance(seconds=1)
        sessions.revoke_user_sessions(user, reason="lost", actor=staff, note="Ticket 7")
        facts = entries(home)[0].facts
        assert facts[0] == "By root."
        assert facts[-1] == "2 sessions ended at once."

    def test_of_a_kind_that_is_not_known(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """A project's own event, or one of a later version, is shown by its bare facts."""
        AuthEvent.objects.create(
            created_at=clock(), type="moon", session_id=home.session.pk, detail={"phase": "full"}
        )
        entry = entries(home)[0]
        assert (entry.what, entry.facts, entry.places) == ("moon", ("phase: full",), ())

    @pytest.mark.parametrize(
        "detail", [{}, {"from_ip": None}, {"run": "x", "count": "y"}, {"amr": 1}]
    )
    @pytest.mark.parametrize("kind", EventType.values)
    def test_whatever_the_details_are(
        self, home: Tokens, clock: Clock, root: Client, kind: str, detail: dict[str, Any]
    ) -> None:
        """An event whose facts were erased, or that somebody wrote by hand, fails no page."""
        AuthEvent.objects.create(
            created_at=clock(), type=kind, session_id=home.session.pk, detail=detail
        )
        assert root.get(page(home.session)).status_code == 200

    def test_many_are_cut(self, home: Tokens, clock: Clock, root: Client) -> None:
        """The newest hundred, with a word about the rest, and still how it began."""
        AuthEvent.objects.bulk_create(
            AuthEvent(created_at=clock.advance(seconds=1), type="x", session_id=home.session.pk)
            for _ in range(MAX_EVENTS)
        )
        response = root.get(page(home.session))
        assert response.context["timeline"].is_cut
        found = response.context["timeline"].entries
        assert kinds(found) == ["x"] * MAX_EVENTS + ["login"]
        assert "There are older events than these." in response.content.decode()


class TestWithoutEvents:
    """What the session itself tells, once the events are pruned."""

    @pytest.mark.req("REQ-125")
    def test_how_it_began(self, home: Tokens, entries: Any) -> None:
        """The login is there, with its place."""
        AuthEvent.objects.all().delete()
        RefreshToken.objects.all().delete()
        [entry] = entries(home)
        assert (entry.kind, entry.at) == ("login", home.session.created_at)
        assert [place.device for place in entry.places] == ["Firefox on Windows"]

    @pytest.mark.req("REQ-125")
    def test_how_it_ended(self, home: Tokens, staff: User, entries: Any) -> None:
        """Who revoked it, why and with what note."""
        sessions.revoke_session(home.session, reason="lost", actor=staff, note="Ticket 7")
        AuthEvent.objects.all().delete()
        entry = entries(home)[0]
        assert entry.what == "Revoked."
        assert entry.facts == ("By root.", "Reason: device lost or stolen.", "Note: Ticket 7")

    @pytest.mark.parametrize(
        ("rotations", "what"),
        [(0, "had not been used for too long"), (4, "longest lifetime was over")],
    )
    def test_that_it_expired(
        self, home: Tokens, clock: Clock, entries: Any, rotations: int, what: str
    ) -> None:
        """By idleness or by age, at the time when it did."""
        tokens = home
        for _ in range(rotations):
            clock.advance(days=7)
            tokens = move(tokens, HOME)
        clock.advance(days=20)
        entry = entries(home)[0]
        assert what in entry.what
        assert entry.at == AuthSession.objects.get().expires_at

    def test_an_expiry_that_was_noticed(self, home: Tokens, clock: Clock, entries: Any) -> None:
        """The end, and later the refresh that found it."""
        clock.advance(days=20)
        with pytest.raises(Exception, match="expired"):
            move(home, HOME)
        assert [entry.what for entry in entries(home)[:2]] == [
            "Found expired.",
            "Expired: it had not been used for too long.",
        ]


class TestHostile:
    @pytest.mark.req("REQ-122")
    def test_devices_and_places_are_text(self, home: Tokens, clock: Clock, root: Client) -> None:
        """Markup in a user agent, a name or a detail is escaped in summary and timeline."""
        markup = '<script>alert("1")</script>'
        tokens = move(home, Origin("198.51.100.7", f"x/1 {markup}"))
        clock.advance(minutes=1)
        move(tokens, Origin("198.51.100.7", f"{markup}\u202e"))
        detail = {"from_device": markup, "from_ip": markup, "note": markup, "amr": [markup]}
        for kind in EventType.values:
            AuthEvent.objects.create(
                created_at=clock(), type=kind, session_id=home.session.pk, detail=detail
            )
        AuthSession.objects.update(device=markup, device_name=markup, new_device=True)
        text = root.get(page(home.session)).content.decode()
        assert text.count("&lt;script&gt;alert") > 10
        assert markup not in text
        assert "\u202e" not in text

    def test_no_inline_style_or_script(self, home: Tokens, clock: Clock, root: Client) -> None:
        """The page works under a policy that allows none."""
        move(home, THIEF)
        text = root.get(page(home.session)).content.decode()
        assert not re.findall(
            r'<script(?![^>]*\b(?:src|type="application/json")=?)|style=|\son\w+=', text
        )


def test_the_number_of_statements_is_constant(
    home: Tokens, clock: Clock, user: User, root: Client, django_assert_num_queries: Any
) -> None:
    """One event and one rotation cost as many queries as fifty of each, and 50 other sessions."""
    move(home, HOME)
    sessions.start_session(user, client="app")
    root.get(page(home.session))  # MariaDB is asked once what it can do
    with django_assert_num_queries(6):
        root.get(page(home.session))
    AuthEvent.objects.bulk_create(
        AuthEvent(
            created_at=clock.advance(seconds=1),
            type=EventType.REVOKED,
            session_id=home.session.pk,
            actor=user,
        )
        for _ in range(50)
    )
    RefreshToken.objects.bulk_create(
        RefreshToken(session=home.session, generation=number, issued_at=clock.advance(seconds=1))
        for number in range(2, 52)
    )
    for _ in range(50):
        sessions.start_session(user, client="app")
    with django_assert_num_queries(6):
        root.get(page(home.session))
