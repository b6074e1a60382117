"""Changes of address and browser, answers that went elsewhere, and new devices."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from tests.conftest import Clock
from tests.domain import row, start
from tests.test_statement_counts import ROTATION, counting
from tokenauth.audit import Origin
from tokenauth.issuing import Tokens
from tokenauth.models import SUSPICIOUS, AuthEvent, AuthSession, EventType, RefreshToken
from tokenauth.moves import DEVICES_COMPARED, MOVES_RECORDED, network_of
from tokenauth.sessions import revoke_session, rotate, start_session, step_up

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
NEWER = FIREFOX.replace("145", "146")
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
HOME = Origin("192.0.2.1", FIREFOX)
SAME_NETWORK = Origin("192.0.2.200", FIREFOX)
ELSEWHERE = Origin("198.51.100.7", FIREFOX)
OTHER_BROWSER = Origin("192.0.2.1", SAFARI)
THIEF = Origin("203.0.113.9", "curl/8.5.0")


def move(tokens: Tokens, origin: Origin) -> Tokens:
    """Refresh from somewhere; what is not sent again stays with the client."""
    return rotate(str(tokens.refresh), transport="body", origin=origin)


def events_of(tokens: Tokens, *kinds: EventType) -> list[AuthEvent]:
    """Return the audit rows of these kinds, the oldest first."""
    rows = AuthEvent.objects.filter(session_id=tokens.session.pk, type__in=kinds)
    return list(rows.order_by("pk"))


@pytest.fixture
def home(user: User, clock: Clock) -> Tokens:
    """A session that began at home a minute ago."""
    tokens = start(user, origin=HOME)
    clock.advance(minutes=1)
    return tokens


class TestNetworkOf:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
            ("nonsense", "nonsense"),
        ],
    )
    def test_widths(self, address: str, network: str):
        """A /24 of IPv4, a /64 of IPv6, and no exception for what is no address."""
        assert network_of(address) == network


class TestLogin:
    def test_keeps_what_the_browser_is(self, user: User):
        """Label and kind are in the row of the session."""
        session = row(start(user, origin=Origin("192.0.2.1", SAFARI)))
        assert (session.device, session.device_kind) == ("Safari on iPhone", "phone")

    def test_the_first_session_is_on_no_new_device(self, user: User):
        """There is nothing that it could be compared with."""
        assert not row(start(user, origin=HOME)).new_device

    def test_a_device_that_was_never_there_is_new(self, user: User):
        """Another browser than in any session before, whoever else has it."""
        start(User.objects.create_user("bob"), origin=OTHER_BROWSER)
        start(user, origin=HOME)
        assert row(start(user, origin=OTHER_BROWSER)).new_device
        assert not row(start(user, origin=OTHER_BROWSER)).new_device
        assert not row(start(user, origin=Origin("203.0.113.9", NEWER))).new_device

    def test_a_program_that_hides_what_it_is_counts_too(self, user: User):
        """Without a user agent one is no old acquaintance."""
        start(user, origin=HOME)
        assert row(start(user, origin=Origin("203.0.113.9"))).new_device

    def test_nothing_is_said_of_what_came_from_nowhere(self, user: User):
        """A session that the project starts on its own is on no device at all."""
        start(user, origin=HOME)
        assert not row(start(user)).new_device

    def test_only_the_newest_sessions_are_compared(self, user: User, clock: Clock):
        """A device of long ago is as good as new."""
        start(user, origin=OTHER_BROWSER)
        clock.advance(days=1)
        middle = row(start(user, origin=HOME))
        others = []
        for number in range(DEVICES_COMPARED - 1):
            others.append(AuthSession.objects.get(pk=middle.pk))
            others[-1].pk = AuthSession().pk
            others[-1].created_at = clock() + timedelta(seconds=number)
        AuthSession.objects.bulk_create(others)
        assert row(start(user, origin=OTHER_BROWSER)).new_device

    @pytest.mark.parametrize("in_transaction", [True, False])
    def test_a_failing_look_up_fails_no_login(self, user: User, caplog: Any, in_transaction: Any):
        """The session starts, of no new device, and the log says why; nothing of it is lost."""
        start(user, origin=HOME)

        def refuse(execute: Any, sql: str, *rest: Any) -> Any:
            if (
                sql.startswith("SELECT")
                and '"device"' in sql.replace("`", '"').partition("FROM")[0]
            ):
                sql = "SELECT no_such_column FROM tokenauth_authsession"
                return execute(sql, (), *rest[1:])
            return execute(sql, *rest)

        with connection.execute_wrapper(refuse):
            if in_transaction:
                with transaction.atomic():
                    tokens = start(user, origin=OTHER_BROWSER)
            else:
                tokens = start(user, origin=OTHER_BROWSER)
        assert not row(tokens).new_device
        assert "could not be looked up" in caplog.text


class TestRotation:
    @pytest.mark.parametrize("origin", [HOME, SAME_NETWORK, Origin("192.0.2.1", NEWER), Origin()])
    def test_that_is_no_move(self, home: Tokens, origin: Origin):
        """The same place, its neighbour, an update of the browser, or nothing that is known."""
        move(home, origin)
        session = row(home)
        assert (session.generation, session.moves, session.moved_at) == (1, 0, None)
        assert session.device == "Firefox on Windows"
        assert not events_of(home, EventType.MOVED)

    def test_another_network(self, home: Tokens, clock: Clock):
        """One move, and an event that says from where to where."""
        move(home, ELSEWHERE)
        session, [event] = row(home), events_of(home, EventType.MOVED)
        assert (session.moves, session.moved_at) == (1, None)
        assert event.detail == {
            "from_ip": "192.0.2.1",
            "to_ip": "198.51.100.7",
            "from_device": "Firefox on Windows",
            "to_device": "Firefox on Windows",
        }
        assert (event.ip, event.user_agent, event.created_at) == ("198.51.100.7", FIREFOX, clock())

    def test_another_network_of_ipv6(self, user: User, clock: Clock):
        """The privacy addresses within a /64 are one place, the next /64 is another."""
        tokens = start(user, origin=Origin("2001:db8:0:1::1", FIREFOX))
        clock.advance(minutes=1)
        tokens = move(tokens, Origin("2001:db8:0:1:ffff::2", FIREFOX))
        assert row(tokens).moves == 0
        clock.advance(minutes=1)
        move(tokens, Origin("2001:db8:0:2::1", FIREFOX))
        assert row(tokens).moves == 1

    def test_another_browser(self, home: Tokens):
        """One move, and the session follows to what it now runs on."""
        move(home, OTHER_BROWSER)
        session, [event] = row(home), events_of(home, EventType.MOVED)
        assert (session.moves, session.moved_at) == (1, None)
        assert (session.device, session.device_kind) == ("Safari on iPhone", "phone")
        assert event.detail["from_device"] == "Firefox on Windows"
        assert event.detail["to_device"] == "Safari on iPhone"

    def test_both_at_once(self, home: Tokens, clock: Clock):
        """That is suspicious: the time is kept in the session."""
        move(home, THIEF)
        session = row(home)
        assert (session.moves, session.moved_at) == (1, clock())
        assert AuthSession.objects.filter(SUSPICIOUS).exists()

    def test_one_after_the_other_is_not_suspicious(self, home: Tokens, clock: Clock):
        """Two moves, neither of both at once."""
        tokens = move(home, ELSEWHERE)
        clock.advance(minutes=1)
        move(tokens, Origin(ELSEWHERE.ip, SAFARI))
        session = row(home)
        assert (session.moves, session.moved_at) == (2, None)
        assert not AuthSession.objects.filter(SUSPICIOUS).exists()

    def test_a_session_of_which_nothing_was_known(self, user: User, clock: Clock):
        """One that a project started on its own has not moved when its client turns up."""
        tokens = start(user)
        clock.advance(minutes=1)
        move(tokens, THIEF)
        session = row(tokens)
        assert (session.moves, session.moved_at) == (0, None)
        assert session.last_ip == THIEF.ip

    def test_an_unknown_address_is_no_other_network(self, home: Tokens, clock: Clock):
        """Nothing can be said about it; the browser still can."""
        tokens = move(home, Origin(None, FIREFOX))
        clock.advance(minutes=1)
        tokens = move(tokens, ELSEWHERE)
        assert row(home).moves == 0
        clock.advance(minutes=1)
        move(tokens, Origin(None, SAFARI))
        assert row(home).moves == 1

    def test_after_so_many_they_are_counted_only(self, home: Tokens, clock: Clock):
        """A train through many networks does not fill the audit."""
        tokens = home
        for number in range(MOVES_RECORDED + 3):
            tokens = move(tokens, Origin(f"198.51.{number}.1", FIREFOX))
            clock.advance(minutes=1)
        assert row(home).moves == MOVES_RECORDED + 3
        assert len(events_of(home, EventType.MOVED)) == MOVES_RECORDED

    def test_the_history_has_its_line(self, home: Tokens):
        """A rotation that moves writes what any other writes."""
        move(home, THIEF)
        line = RefreshToken.objects.get(generation=1)
        assert (line.ip, line.user_agent) == (THIEF.ip, THIEF.user_agent)

    def test_a_failing_event_fails_no_refresh(self, home: Tokens, caplog: Any):
        """The tokens are out, the row has moved, and the log says what the audit misses."""

        def refuse(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith("INSERT") and "tokenauth_authevent" in sql:
                raise DatabaseError("no")
            return execute(sql, *rest)

        with connection.execute_wrapper(refuse):
            tokens = move(home, THIEF)
        assert tokens.refresh
        assert row(home).moves == 1
        assert "the audit misses: moved" in caplog.text
        assert not events_of(home, EventType.MOVED)

    def test_a_plain_one_looks_nothing_up(self, home: Tokens, monkeypatch: pytest.MonkeyPatch):
        """The same place costs two comparisons: no parser, no network, no statement more."""

        def fail(*args: Any) -> None:
            raise AssertionError

        monkeypatch.setattr("tokenauth.moves.describe", fail)
        monkeypatch.setattr("tokenauth.moves.network_of", fail)
        with counting() as count:
            move(home, HOME)
        assert count.total == ROTATION

    @pytest.mark.vendor("postgresql")
    def test_a_move_is_in_the_same_update(self, home: Tokens):
        """One statement for session and history, moved or not; the event is the other."""
        with counting() as count:
            move(home, THIEF)
        updates = [sql for sql in count.statements if "UPDATE" in sql]
        assert len(updates) == 1
        assert all(name in updates[0] for name in ("moves", "moved_at", "device_kind"))


class TestRepeat:
    def test_in_the_same_place(self, home: Tokens):
        """A plain repeated answer is counted and writes no event."""
        move(home, HOME)
        move(home, HOME)
        session = row(home)
        assert (session.grace_count, session.moves) == (1, 0)
        assert not events_of(home, EventType.REPEATED_ELSEWHERE, EventType.MOVED)

    @pytest.mark.parametrize(
        ("origin", "at_once"), [(ELSEWHERE, False), (OTHER_BROWSER, False), (THIEF, True)]
    )
    def test_elsewhere(self, home: Tokens, clock: Clock, origin: Origin, at_once: Any):
        """An event with its origin, and one move; the session stays where it was."""
        move(home, HOME)
        move(home, origin)
        session, [event] = row(home), events_of(home, EventType.REPEATED_ELSEWHERE)
        assert (session.moves, session.grace_count) == (1, 1)
        assert session.moved_at == (clock() if at_once else None)
        assert (session.last_ip, session.device) == (HOME.ip, "Firefox on Windows")
        assert (event.ip, event.user_agent) == (origin.ip, origin.user_agent)
        assert event.detail["from_ip"] == HOME.ip

    def test_after_so_many_they_are_counted_only(self, home: Tokens):
        """A program that repeats for ever does not fill the audit."""
        move(home, HOME)
        for _ in range(MOVES_RECORDED + 3):
            move(home, ELSEWHERE)
        assert row(home).moves == MOVES_RECORDED + 3
        assert len(events_of(home, EventType.REPEATED_ELSEWHERE)) == MOVES_RECORDED


class TestLateAnswer:
    def test_has_an_event(self, home: Tokens, clock: Clock):
        """With its origin, and which in a row it is."""
        tokens = home
        for run in (1, 2):
            move(tokens, HOME)
            clock.advance(hours=1)
            tokens = move(tokens, HOME)
            event = events_of(home, EventType.LATE_ANSWER)[-1]
            assert (event.detail, event.ip) == ({"run": run}, HOME.ip)
            clock.advance(hours=1)
        assert row(home).moves == 0

    def test_elsewhere(self, home: Tokens, clock: Clock):
        """One event, which says from where to where; a move as well."""
        move(home, HOME)
        clock.advance(hours=1)
        move(home, THIEF)
        [event] = events_of(home, EventType.LATE_ANSWER, EventType.REPEATED_ELSEWHERE)
        assert event.type == EventType.LATE_ANSWER
        assert (event.detail["run"], event.detail["from_ip"]) == (1, HOME.ip)
        assert row(home).moves == 1


class TestReuse:
    @pytest.mark.req("REQ-125")
    def test_the_event_names_both_parties(self, home: Tokens, clock: Clock):
        """Who presented the token, and who held the session last."""
        tokens = move(home, THIEF)
        clock.advance(hours=1)
        move(tokens, THIEF)
        clock.advance(hours=1)
        with pytest.raises(Exception, match="reuse"):
            move(home, HOME)
        [event] = events_of(home, EventType.REUSE)
        assert (event.ip, event.user_agent) == (HOME.ip, HOME.user_agent)
        assert (event.detail["last_ip"], event.detail["last_device"]) == (THIEF.ip, "curl")


@pytest.mark.req("REQ-23", "REQ-120")
class TestDeletedUser:
    def test_nothing_personal_is_left(self, home: Tokens, clock: Clock, user: User):
        """Neither device nor address, in the session, its history or the details of events."""
        move(home, HOME)
        move(home, ELSEWHERE)
        clock.advance(hours=1)
        tokens = move(home, THIEF)
        clock.advance(hours=1)
        move(tokens, OTHER_BROWSER)
        user.delete()
        session = row(home)
        assert (session.device, session.device_kind) == ("", "")
        for event in AuthEvent.objects.all():
            assert (event.ip, event.user_agent) == (None, "")
            assert not {name for name in event.detail if name.endswith(("_ip", "_device"))}
        assert {event.type for event in AuthEvent.objects.all()} >= {
            *("late_answer", "repeated_elsewhere", "moved", "revoked")
        }

    def test_nor_where_staff_acted_from(self, home: Tokens, staff: User):
        """Of a deleted member of staff the events keep the key, and not the address."""
        revoke_session(home.session, reason="admin", actor=staff, origin=ELSEWHERE, note="call")
        key = str(staff.pk)
        staff.delete()
        event = AuthEvent.objects.get(type="revoked")
        assert (event.actor_key, event.ip, event.user_agent) == (key, None, "")
        assert event.detail == {"note": "call"}


def test_a_step_up_is_no_move(home: Tokens, clock: Clock):
    """It says who it is anew, and not where."""
    tokens = step_up(home.session, amr=("pwd", "otp"), origin=ELSEWHERE)
    assert row(home).moves == 0
    clock.advance(minutes=1)
    move(tokens, HOME)
    assert row(home).moves == 0


def test_any_client(user: User, clock: Clock):
    """Browsers are recorded like apps."""
    tokens = start_session(user, client="browser", origin=HOME)
    clock.advance(minutes=1)
    rotate(str(tokens.refresh), transport="cookie", origin=THIEF)
    assert row(tokens).moves == 1
