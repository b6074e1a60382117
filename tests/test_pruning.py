"""What is removed, to the second; what stays; and in what portions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext

from tests.conftest import Clock
from tests.domain import end_reason, events, refresh, row, start
from tests.races import racers
from tests.test_models import is_ours, reads_everything
from tokenauth import pruning, sessions, system
from tokenauth.audit import make_event, record
from tokenauth.exceptions import RefreshInvalid, TryAgain
from tokenauth.issuing import Tokens
from tokenauth.models import AuthEvent, AuthSession, AuthStatistic, EventType, RefreshToken
from tokenauth.pruning import Pruned, Rows, count_due, prune
from tokenauth.tokens.access import LEEWAY

SECOND, MINUTE, DAY = (timedelta(seconds=n) for n in (1, 60, 86400))
ABSOLUTE = 30 * DAY
NOTHING = Rows()


def removed() -> Rows:
    """Prune to the end; return what went."""
    done = prune()
    assert done.left == NOTHING
    return done.removed


def end_by_reuse(tokens: Tokens, clock: Clock) -> None:
    """Use the session, and present a token that was superseded."""
    newest = tokens
    for _ in range(2):
        clock.advance(hours=1)
        newest = refresh(newest)
    assert end_reason(tokens) == "reuse"


def end_by_staff(tokens: Tokens, clock: Clock) -> None:
    """Revoke the session an hour after its login."""
    clock.advance(hours=1)
    assert sessions.revoke_session(row(tokens), reason="admin")


def leave_unused(tokens: Tokens, clock: Clock) -> None:
    """Let the session expire by itself."""


def delete_account(tokens: Tokens, clock: Clock) -> None:
    """Delete the user."""
    clock.advance(hours=1)
    User.objects.get().delete()


class TestSessions:
    @pytest.mark.req("REQ-16", "REQ-133")
    @pytest.mark.parametrize("end", [leave_unused, end_by_staff, end_by_reuse, delete_account])
    def test_stay_until_their_absolute_end(
        self, user: User, clock: Clock, end: Callable[[Tokens, Clock], None]
    ):
        """However and whenever a session ended, its row stays until then, and the leeway."""
        tokens = start(user)
        absolute = clock() + ABSOLUTE
        end(tokens, clock)
        clock.time = absolute + LEEWAY
        assert removed() == NOTHING
        assert row(tokens).absolute_expires_at == absolute
        clock.advance(seconds=1)

        assert removed().sessions == 1
        assert not AuthSession.objects.exists()

    @pytest.mark.req("REQ-133")
    def test_stay_while_they_are_listed(self, user: User, clock: Clock, settings: Any):
        """Nor does a revocation go before every list has had two access lifetimes to see it."""
        settings.TOKENAUTH_CLIENTS = {
            "app": {"transport": "body"},
            "sensor": {"transport": "body", "access_lifetime": timedelta(hours=2)},
        }
        start(user)
        listed = clock() + 31 * DAY
        AuthSession.objects.update(listed_at=listed)
        clock.time = listed + timedelta(hours=4) + LEEWAY
        assert removed() == NOTHING
        clock.advance(seconds=1)

        assert removed().sessions == 1

    def test_go_with_their_history(self, user: User, clock: Clock):
        """And no other session's."""
        old = start(user)
        clock.advance(hours=1)
        refresh(old)
        clock.time = row(old).absolute_expires_at + timedelta(hours=1)
        young = start(user)

        assert removed() == Rows(sessions=1, refresh_tokens=2)
        assert list(RefreshToken.objects.values_list("session_id", flat=True)) == [row(young).pk]

    def test_leave_their_events(self, user: User, clock: Clock):
        """The audit trail outlives the session."""
        start(user)
        clock.time += ABSOLUTE + MINUTE
        removed()

        assert events() == [("login", "")]

    def test_are_unknown_afterwards(self, user: User, clock: Clock):
        """A token of a session whose row is gone is as good as a forged one."""
        tokens = start(user)
        clock.time += ABSOLUTE + MINUTE
        removed()

        with pytest.raises(RefreshInvalid):
            refresh(tokens)

    def test_go_with_what_a_project_hangs_on_them(self, user: User, clock: Clock, received: Any):
        """Django is told of each, so that a project's own foreign keys and receivers count."""
        deleted = received(post_delete)
        start(user)
        start(user)
        clock.time += ABSOLUTE + MINUTE
        removed()

        assert [call["sender"] for call in deleted].count(AuthSession) == 2


@pytest.mark.req("REQ-16", "REQ-133")
class TestReplay:
    def test_is_caught_in_a_living_session(self, user: User, clock: Clock):
        """Clean-up takes nothing that shows a superseded token to be one."""
        stolen = newest = start(user)
        for _ in range(2):
            clock.advance(days=13)
            newest = refresh(newest)
        clock.time = row(stolen).absolute_expires_at - SECOND
        assert removed() == NOTHING

        assert end_reason(stolen) == "reuse"
        assert end_reason(newest) == "reuse"

    def test_of_a_revoked_session_is_answered(self, user: User, clock: Clock):
        """To the last second a superseded token is told how its session ended."""
        stolen = start(user)
        clock.advance(hours=1)
        refresh(stolen)
        sessions.revoke_session(row(stolen), reason="logout")
        clock.time = row(stolen).absolute_expires_at - SECOND
        assert removed() == NOTHING

        assert end_reason(stolen) == "logout"

    def test_of_an_expired_session_is_recorded(self, user: User, clock: Clock):
        """A session that nobody used to its end is still there to be named."""
        stolen = start(user)
        clock.advance(hours=1)
        refresh(stolen)
        clock.time = row(stolen).absolute_expires_at - SECOND
        assert removed() == NOTHING

        assert end_reason(stolen) == "expired"
        assert events("expired") == [("expired", "expired")]


def record_event(clock: Clock, kind: str = "login") -> None:
    """Write an event about nobody."""
    record([make_event(EventType(kind), at=clock())])


class TestEvents:
    def test_stay_for_their_retention(self, db: None, clock: Clock):
        """365 days, to the second."""
        record_event(clock)
        clock.time += 365 * DAY
        assert removed() == NOTHING
        clock.advance(seconds=1)

        assert removed() == Rows(events=1)

    def test_follow_the_setting(self, db: None, clock: Clock, settings: Any):
        """As it is set now; what is younger stays."""
        record_event(clock)
        clock.time += DAY + SECOND
        record_event(clock)
        settings.TOKENAUTH_EVENT_RETENTION = DAY

        assert removed() == Rows(events=1)
        assert AuthEvent.objects.get().created_at == clock()


class TestFailedLogins:
    @pytest.fixture(autouse=True)
    def others(self, db: None, clock: Clock) -> None:
        """One event of each other kind, which stays."""
        by_anybody = {"login_failed", "throttled"}
        self.kept = [kind for kind in EventType.values if kind not in by_anybody]
        for kind in self.kept:
            record_event(clock, kind)

    def left(self) -> list[str]:
        """Return the types of what is left."""
        return list(AuthEvent.objects.order_by("pk").values_list("type", flat=True))

    @pytest.mark.parametrize("kind", ["login_failed", "throttled"])
    def test_go_before_the_others(self, clock: Clock, kind: str):
        """After 90 days, to the second; so does what says that they were slowed down."""
        record_event(clock, kind)
        clock.time += 90 * DAY
        assert removed() == NOTHING
        clock.advance(seconds=1)

        assert count_due() == Rows(events=1)
        assert removed() == Rows(events=1)
        assert self.left() == self.kept

    def test_follow_the_setting(self, clock: Clock, settings: Any):
        """As it is set now."""
        sessions.record_failed_login(client="app")
        clock.time += DAY + SECOND
        settings.TOKENAUTH_FAILED_LOGIN_RETENTION = DAY

        assert removed() == Rows(events=1)
        assert self.left() == self.kept

    def test_are_counted_once(self, clock: Clock):
        """What is older than all events may be is not due twice."""
        sessions.record_failed_login(client="app")
        clock.time += 365 * DAY + SECOND

        assert count_due() == Rows(events=len(self.kept) + 1)
        assert removed() == Rows(events=len(self.kept) + 1)

    def test_never_outlive_the_others(self, clock: Clock, settings: Any):
        """A retention of events below the default of failed logins holds for them too."""
        sessions.record_failed_login(client="app")
        settings.TOKENAUTH_EVENT_RETENTION = DAY
        clock.time += DAY + SECOND

        assert removed() == Rows(events=len(self.kept) + 1)


def fill(count: int, *, history: int = 3, ended: datetime, apart: timedelta = SECOND) -> Rows:
    """Make sessions past their absolute end, with history, and as many old events."""
    made = [
        AuthSession(
            client="app", transport="body", seed=bytes(32), rotated_at=ended, created_at=ended,
            last_seen_at=ended, expires_at=ended, absolute_expires_at=ended - number * apart,
            auth_time=ended,
        )
        for number in range(count)
    ]  # fmt: skip
    AuthSession.objects.bulk_create(made, batch_size=500)
    RefreshToken.objects.bulk_create(
        (
            RefreshToken(session_id=session.pk, generation=number, issued_at=ended)
            for session in made
            for number in range(history)
        ),
        batch_size=500,
    )
    long_ago = ended - 400 * DAY
    AuthEvent.objects.bulk_create(
        (AuthEvent(created_at=long_ago - number * apart, type="login") for number in range(count)),
        batch_size=500,
    )
    return Rows(sessions=count, refresh_tokens=count * history, events=count)


@contextmanager
def counting() -> Iterator[list[str]]:
    """Collect the statements on our tables."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    found += [query["sql"] for query in captured.captured_queries if is_ours(query["sql"])]


def _is_of_a_type(sql: str) -> bool:
    """Return whether a statement looks for events of one type."""
    return "type" in sql.partition(" WHERE ")[2]


class TestBatches:
    @pytest.mark.parametrize("size", [1, 7, 10, 1000])
    @pytest.mark.parametrize("apart", [timedelta(0), SECOND])
    def test_remove_everything(self, db: None, clock: Clock, size: int, apart: timedelta):
        """In portions of any size, also of rows that all have one time."""
        due = fill(21, ended=clock() - DAY, apart=apart)

        assert count_due() == due
        assert prune(batch_size=size) == Pruned(due, NOTHING)
        assert count_due() == NOTHING

    def test_are_bounded(self, db: None, clock: Clock):
        """No portion is larger than what was asked for, however long a session's history."""
        due = fill(5, history=99, ended=clock() - DAY)
        seen = [NOTHING]
        prune(batch_size=10, progress=seen.append)
        steps = [
            (now.sessions - last.sessions, now.refresh_tokens - last.refresh_tokens)
            for last, now in pairwise(seen)
        ]

        assert seen[-1] == due
        assert max(max(step) for step in steps) == 10

    def test_cost_few_statements(self, db: None, clock: Clock):
        """For a thousand sessions with three rows of history each: no row is handled by itself."""
        fill(1000, ended=clock() - DAY)
        with counting() as one:
            removed()
        fill(3000, ended=clock() - DAY)
        with counting() as three:
            removed()

        # Django deletes a hundred sessions in one statement; the rest is 12 or so.
        assert len(one) < 30
        assert len(three) < 3 * len(one)

    def test_read_keys_only(self, db: None, clock: Clock):
        """No row is loaded: only its key, and the time by which it was found."""
        fill(50, ended=clock() - DAY)
        with counting() as statements:
            removed()
        reads = [sql for sql in statements if sql.startswith("SELECT")]

        assert reads
        assert not [sql for sql in reads if sql.partition(" FROM ")[0].count(",") > 1]

    def test_never_return_to_the_beginning(self, db: None, clock: Clock):
        """What was removed stays in the index for a while: each read begins behind it."""
        fill(30, ended=clock() - DAY)
        with counting() as statements:
            prune(batch_size=10)
        reads = [sql for sql in statements if "ORDER BY" in sql and not _is_of_a_type(sql)]

        assert len(reads) == 9
        assert [" >= " in sql for sql in reads] == [False] * 3 + [True] * 6

    def test_may_be_run_again(self, user: User, clock: Clock):
        """A second run finds nothing, and what lives is as it was."""
        tokens = start(user)
        fill(3, ended=clock() - DAY)
        removed()

        assert removed() == NOTHING
        assert row(tokens).revoked_at is None
        assert RefreshToken.objects.count() == 1

    @pytest.mark.parametrize("size", [0, -1, 10_001])
    def test_have_a_size(self, db: None, size: int):
        """None is empty, and none is the whole table."""
        with pytest.raises(ValueError, match="batch_size"):
            prune(batch_size=size)


class TestStatistics:
    def test_are_kept_as_long_as_events(self, db: None, clock: Clock, settings: Any):
        """An hour goes when an event of that time would, and not before."""
        settings.TOKENAUTH_EVENT_RETENTION = 7 * DAY
        for age in (7 * DAY, 7 * DAY + SECOND):
            AuthStatistic.objects.create(hour=clock() - age, measure="sign_in", key="app", count=3)

        assert count_due() == Rows(statistics=1)
        assert removed() == Rows(statistics=1)
        assert AuthStatistic.objects.get().hour == clock() - 7 * DAY


class TestInterruption:
    def test_at_any_batch_loses_nothing(self, db: None, clock: Clock):
        """Stop after each batch in turn: the next run goes on, and no history is orphaned."""
        due = fill(7, ended=clock() - DAY)
        stops = 0

        def stop(_rows: Rows) -> None:
            raise KeyboardInterrupt

        while count_due() != NOTHING:
            with pytest.raises(KeyboardInterrupt):
                prune(batch_size=2, progress=stop)
            stops += 1
            living = AuthSession.objects.values("pk")
            assert not RefreshToken.objects.exclude(session_id__in=living).exists()

        assert stops > due.sessions
        assert not RefreshToken.objects.exists()

    def test_needs_transactions_of_its_own(self, db: None):
        """Inside a caller's it would hold all locks until his end."""
        with transaction.atomic(), pytest.raises(RuntimeError):
            prune()


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """As many seconds have passed as the list has items."""
    passed: list[None] = []
    monkeypatch.setattr(system, "monotonic", lambda: 1000.0 + len(passed))
    return passed


class TestTime:
    def test_of_zero_removes_nothing(self, db: None, clock: Clock):
        """It says what is due."""
        due = fill(3, ended=clock() - DAY)

        assert prune(max_seconds=0) == Pruned(NOTHING, due)
        assert count_due() == due

    def test_ends_between_two_batches(self, db: None, clock: Clock, seconds: list[None]):
        """No batch begins at the end of the time; the rest is said, and the next run's."""
        due = fill(10, history=0, ended=clock() - DAY)
        done = prune(batch_size=2, max_seconds=3, progress=lambda _: seconds.append(None))

        # Sessions and events take turns: neither has to wait until the other is done.
        assert done.removed == Rows(sessions=4, events=2)
        assert done.left == Rows(sessions=6, events=8)
        assert prune().removed + done.removed == due

    def test_is_enough_if_nothing_is_left(self, db: None, clock: Clock, seconds: list[None]):
        """A run that ends with its time has left nothing."""
        due = fill(2, history=0, ended=clock() - DAY)
        done = prune(max_seconds=2.5, progress=lambda _: seconds.append(None))

        assert done == Pruned(due, NOTHING)

    def test_is_not_lost_in_counting(self, db: None, clock: Clock, monkeypatch: Any):
        """What is left is counted up to a number only."""
        monkeypatch.setattr(pruning, "MOST_COUNTED", 5)
        fill(7, history=1, ended=clock() - DAY)

        assert prune(max_seconds=0).left == Rows(5, 5, 5)

    def test_settles_what_is_due(self, user: User, clock: Clock):
        """What becomes due while a run goes on is the next one's: each run comes to its end."""
        start(user)
        clock.time += ABSOLUTE
        fill(2, ended=clock() - DAY)
        done = prune(batch_size=1, progress=lambda _: clock.advance(hours=1))

        assert (done.removed.sessions, AuthSession.objects.count()) == (2, 1)


@contextmanager
def refusing(times: int, verb: str = "DELETE", table: str = "authsession") -> Iterator[list[str]]:
    """Let the database refuse so many deletions of sessions, as for a deadlock."""
    refused: list[str] = []

    def refuse(execute: Any, sql: str, *args: Any) -> Any:
        if verb in sql and table in sql and len(refused) < times:
            refused.append(sql)
            raise OperationalError("deadlock detected")
        return execute(sql, *args)

    with connection.execute_wrapper(refuse):
        yield refused


@pytest.mark.django_db(transaction=True)
class TestRefusals:
    def test_are_tried_again(self, clock: Clock):
        """A deadlock or serialisation failure costs nothing."""
        due = fill(3, ended=clock() - DAY)
        with refusing(2) as refused:
            assert removed() == due

        assert len(refused) == 2

    def test_end_a_run_at_the_third(self, clock: Clock):
        """Nothing is half done, and the next run goes on."""
        due = fill(3, ended=clock() - DAY)
        with refusing(3), pytest.raises(TryAgain):
            prune()
        assert (AuthSession.objects.count(), RefreshToken.objects.count()) == (3, 9)

        assert removed() == due


@pytest.mark.django_db(transaction=True)
class TestBesideOthers:
    def test_two_runs_share_the_work(self, transactional_db: None):
        """Together they remove each row once, and neither fails."""
        due = fill(400, ended=system.now() - DAY)
        with racers(2) as threads:
            first, second = threads.run(lambda: prune(batch_size=20))

        assert first.removed + second.removed == due
        assert count_due() == NOTHING

    def test_refreshes_go_on(self, user: User, settings: Any):
        """Eight clients keep refreshing while a run removes what is over, and no token fails."""
        settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)
        due = fill(1000, ended=system.now() - DAY)
        clients = [start(user) for _ in range(4)]
        over = Event()

        def keep_refreshing(tokens: Tokens) -> int:
            rounds = 0
            while rounds < 5 or not over.is_set():
                tokens = refresh(tokens)
                rounds += 1
            return rounds

        def clean_up() -> Rows:
            try:
                return prune(batch_size=50).removed
            finally:
                over.set()

        with racers(5) as threads:
            *rounds, gone = threads.run(
                *(lambda tokens=tokens: keep_refreshing(tokens) for tokens in clients), clean_up
            )

        assert gone == due
        assert [row(tokens).generation for tokens in clients] == rounds
        assert not AuthSession.objects.filter(revoked_at__isnull=False).exists()


@pytest.mark.vendor("postgresql", "mysql")
@pytest.mark.django_db(transaction=True)  # MariaDB commits before it analyses a table
def test_every_statement_has_an_index(clock: Clock, settings: Any):
    """No statement of a run reads a table from end to end."""
    settings.TOKENAUTH_PERSONAL_DATA_RETENTION = 30 * DAY
    fill(2000, ended=clock() + 900 * DAY)
    fill(20, ended=clock() - DAY)
    for age in (100 * DAY, 40 * DAY, DAY):
        AuthEvent.objects.bulk_create(
            AuthEvent(created_at=clock() - age, type=kind, ip="192.0.2.1")
            for kind in ("login", "login_failed")
            for _ in range(20)
        )
    with connection.cursor() as cursor:
        for model in (AuthSession, RefreshToken, AuthEvent):
            words = "ANALYZE TABLE" if connection.vendor == "mysql" else "ANALYZE"
            cursor.execute(f"{words} {model._meta.db_table}")
    with counting() as statements:
        prune(batch_size=10)

    assert {sql.split()[0] for sql in statements} == {"SELECT", "DELETE", "UPDATE"}
    assert {sql for sql in statements if reads_everything(sql)} == set()
