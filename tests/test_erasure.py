"""Erasing personal data from rows that stay: what goes, what stays, and in what portions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import Clock
from tests.domain import end_reason, is_usable, refresh, row, start
from tokenauth import sessions
from tokenauth.audit import Origin, event_about, record
from tokenauth.erasure import PROGRESS
from tokenauth.issuing import Tokens
from tokenauth.models import AuthEvent, AuthSession, AuthStatistic, EventType, RefreshToken
from tokenauth.pruning import Rows, prune

DAY = timedelta(days=1)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CURL = "curl/8.5.0"
HOME, ELSEWHERE = Origin("192.0.2.1", FIREFOX), Origin("198.51.100.7", CURL)
PERSONAL = ("192.0.2.1", "198.51.100.7", "Firefox/140", "curl/8", "kitchen")

pytestmark = pytest.mark.req("REQ-132")


@pytest.fixture(autouse=True)
def week(settings: Any) -> None:
    """Personal data is kept for a week, and sessions for long."""
    settings.TOKENAUTH_PERSONAL_DATA_RETENTION = 7 * DAY
    settings.TOKENAUTH_IDLE_LIFETIME = settings.TOKENAUTH_ABSOLUTE_LIFETIME = 60 * DAY


def dump() -> str:
    """Return every value of the tables that hold personal data, as text."""
    tables = (AuthSession, RefreshToken, AuthEvent)
    return "\n".join(str(values) for model in tables for values in model.objects.values_list())


def found() -> set[str]:
    """Return what of the personal data is anywhere."""
    text = dump()
    return {word for word in PERSONAL if word in text}


def erased() -> int:
    """Prune; return how many rows were erased. Nothing is removed."""
    done = prune(batch_size=3).removed
    assert done == Rows(erased=done.erased)
    return done.erased


@pytest.fixture
def tokens(user: User, clock: Clock) -> Tokens:
    """A session that has moved, and has a name."""
    tokens = start(user, origin=HOME, device_name="kitchen tablet")
    clock.advance(hours=1)
    return sessions.rotate(tokens.refresh or "", transport="body", origin=ELSEWHERE)


class TestSessions:
    def test_are_erased_a_week_after_their_end(self, tokens: Tokens, clock: Clock):
        """To the second; their events and their history are of the same age."""
        sessions.revoke_session(row(tokens), reason="logout", origin=ELSEWHERE)
        assert found() == set(PERSONAL)
        clock.advance(days=7)
        erased()
        assert row(tokens).last_ip == "198.51.100.7"
        clock.advance(seconds=1)
        erased()

        assert found() == set()

    def test_keep_what_judges_a_token(self, tokens: Tokens, clock: Clock):
        """Everything but the place and the name is as it was: a replay is told the same."""
        sessions.revoke_session(row(tokens), reason="logout")
        before: Any = AuthSession.objects.values().get()
        clock.advance(days=8)
        erased()
        after: Any = AuthSession.objects.values().get()
        changed = {name for name in before if before[name] != after[name]}

        assert changed == {
            *("first_ip", "last_ip", "first_user_agent", "last_user_agent", "device_name"),
        }
        assert end_reason(tokens) == "logout"

    def test_that_expired_are_erased(self, tokens: Tokens, clock: Clock, settings: Any):
        """Whether or not anybody has noticed."""
        clock.advance(days=59)
        AuthSession.objects.update(expires_at=clock(), absolute_expires_at=clock() + 30 * DAY)
        clock.advance(days=7, seconds=1)
        erased()

        assert found() == set()

    def test_that_live_are_never_written(self, tokens: Tokens, clock: Clock):
        """However old: only lines of its history and its events lose their places."""
        clock.advance(days=30)
        before = AuthSession.objects.values().get()
        with CaptureQueriesContext(connection) as captured:
            erased()
        updates = [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]

        assert AuthSession.objects.values().get() == before
        assert not [sql for sql in updates if "authsession" in sql.split(" SET ")[0]]
        assert not RefreshToken.objects.exclude(ip=None, user_agent="").exists()
        assert is_usable(refresh(tokens))

    def test_stay_whole_without_the_setting(self, tokens: Tokens, clock: Clock, settings: Any):
        """Nothing is erased by default."""
        settings.TOKENAUTH_PERSONAL_DATA_RETENTION = None
        sessions.revoke_session(row(tokens), reason="logout")
        clock.advance(days=50)

        assert erased() == 0
        assert found() == set(PERSONAL)


class TestEvents:
    def test_keep_what_happened(self, user: User, tokens: Tokens, clock: Clock):
        """When, what, to whom and to which session; of the details, what names no place."""
        detail = {"presented": 1, "current": 3, "last_ip": "192.0.2.1", "last_device": "curl"}
        event = event_about(
            EventType.REUSE, row(tokens), at=clock(), origin=HOME, reason="reuse", detail=detail
        )
        record([event])
        clock.advance(days=7, seconds=1)
        erased()
        event.refresh_from_db()

        assert (event.ip, event.user_agent) == (None, "")
        assert event.detail == {"presented": 1, "current": 3}
        assert (event.type, event.reason, event.user_key) == ("reuse", "reuse", str(user.pk))
        assert event.session_id == tokens.session.pk

    def test_that_are_younger_stay_whole(self, db: None, clock: Clock):
        """Of two failed logins, the one that is a week old loses its place."""
        sessions.record_failed_login(client="app", origin=HOME)
        clock.advance(days=7)
        sessions.record_failed_login(client="app", origin=HOME)
        clock.advance(seconds=1)

        assert erased() == 1
        ips = AuthEvent.objects.order_by("pk").values_list("ip", flat=True)
        assert list(ips) == [None, "192.0.2.1"]

    def test_of_one_moment_are_all_found(self, user: User, clock: Clock):
        """A bulk revocation writes thousands at once; no batch skips or repeats any."""
        session = row(start(user))
        record(event_about(EventType.REVOKED, session, at=clock(), origin=HOME) for _ in range(20))
        clock.advance(days=8)

        assert erased() == 20
        assert found() == set()


class TestRuns:
    @pytest.fixture
    def many(self, user: User, clock: Clock) -> Iterator[None]:
        """Ten sessions, over for more than a week, and eleven younger ones."""
        for number in range(21):
            if number == 10:
                clock.advance(days=8)
            clock.advance(seconds=1)
            tokens = start(user, origin=HOME)
            sessions.revoke_session(row(tokens), reason="logout", origin=HOME)
        yield
        assert AuthSession.objects.exclude(first_ip=None).count() == 11
        assert RefreshToken.objects.exclude(ip=None).count() == 11
        assert AuthEvent.objects.exclude(ip=None).count() == 22

    def test_erase_each_once(self, many: None):
        """Ten sessions, ten lines of history and twenty events; a second run has nothing to do."""
        assert erased() == 40
        with CaptureQueriesContext(connection) as captured:
            assert erased() == 0
        written = [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]
        assert not [sql for sql in written if "authstatistic" not in sql]

    def test_may_stop_anywhere(self, many: None):
        """After each batch in turn: the next run goes on, and comes to the end."""
        stops = 0

        def stop(_rows: Rows) -> None:
            raise KeyboardInterrupt

        for _ in range(60):
            try:
                prune(batch_size=2, progress=stop)
            except KeyboardInterrupt:
                stops += 1
        prune(batch_size=2)

        assert stops > 20

    def test_go_on_where_the_last_one_stopped(self, many: None, monkeypatch: pytest.MonkeyPatch):
        """A run that is always too short to walk everything still gets everywhere."""
        seconds = [0.0]
        monkeypatch.setattr("tokenauth.system.monotonic", lambda: seconds[0])

        def pass_time(_rows: Rows) -> None:
            seconds[0] += 1.0

        for _ in range(100):
            prune(batch_size=2, max_seconds=4, progress=pass_time)

        assert AuthEvent.objects.filter(ip=None).count() == 20

    def test_keep_one_mark_each(self, many: None, clock: Clock):
        """However often: how far they have come is one row for sessions and one for events."""
        prune(batch_size=2)
        clock.advance(hours=2)
        sessions.record_failed_login(client="app")
        clock.advance(hours=2)
        prune(batch_size=2)
        marks = AuthStatistic.objects.filter(measure=PROGRESS)

        assert set(marks.values_list("key", flat=True)) == {"events", "sessions"}
        assert marks.count() == 2

    def test_read_no_more_than_a_batch(self, many: None):
        """Each statement has a limit or is about the keys of one batch."""
        with CaptureQueriesContext(connection) as captured:
            prune(batch_size=4)
        walked = [
            query["sql"]
            for query in captured
            if query["sql"].startswith("SELECT") and "LIMIT" not in query["sql"]
        ]
        assert walked == []
