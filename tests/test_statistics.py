"""What is counted, in which hour, how often, and by whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api, Clock
from tests.domain import refresh, row, start
from tests.races import racers
from tokenauth import sessions, system
from tokenauth.audit import make_event
from tokenauth.models import AuthEvent, AuthSession, AuthStatistic, EventType, RefreshToken
from tokenauth.statistics import HOUR, MARGIN, REACH, Gathered, gather

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def noon(clock: Clock) -> datetime:
    """The clock stands at the beginning of an hour, which this returns."""
    clock.time = clock.time.replace(hour=12, minute=0, second=0)
    return clock.time


def counted(measure: str, hour: datetime | None = None) -> dict[str, int]:
    """Return the counts of one measure by key, summed over all hours or in one."""
    rows = AuthStatistic.objects.filter(measure=measure)
    if hour is not None:
        rows = rows.filter(hour=hour)
    found: dict[str, int] = {}
    for key, count in rows.values_list("key", "count"):
        found[key] = found.get(key, 0) + count
    return found


def hours() -> list[datetime]:
    """Return the hours that have a marker, in order."""
    rows = AuthStatistic.objects.filter(measure="gathered").order_by("hour")
    return list(rows.values_list("hour", flat=True))


def event(kind: EventType, at: datetime, **facts: Any) -> AuthEvent:
    """Save an event of this time."""
    made = make_event(kind, at=at, **facts)
    made.save()
    return made


class TestMeasures:
    def test_sign_ins(self, user: User, noon: datetime, clock: Clock):
        """By client and by kind of device; those on a new device are counted apart."""
        for client in ("browser", "app", "app"):
            sessions.start_session(user, client=client)
        AuthSession.objects.filter(client="app").update(device_kind="phone", new_device=True)
        clock.advance(hours=2)
        gather()

        assert counted("sign_in", noon) == {"app": 2, "browser": 1}
        assert counted("device", noon) == {"phone": 2, "": 1}
        assert counted("new_device", noon) == {"": 2}

    def test_refreshes(self, user: User, noon: datetime, clock: Clock):
        """Each rotation counts, in its hour; the first token of a login does not."""
        tokens = start(user)
        for _ in range(3):
            clock.advance(minutes=25)
            tokens = refresh(tokens)
        clock.advance(hours=1)
        gather()

        assert (counted("refresh", noon), counted("refresh", noon + HOUR)) == ({"": 2}, {"": 1})

    @pytest.mark.parametrize("kind", ["login_failed", "step_up", "reuse", "late_answer"])
    def test_events(self, db: None, noon: datetime, clock: Clock, kind: str):
        """Whatever their reason, by kind alone."""
        for reason in ("", "", "x"):
            event(EventType(kind), noon, reason=reason)
        clock.advance(hours=2)
        gather()

        assert counted(kind) == {"": 3}

    def test_what_is_no_measure(self, db: None, noon: datetime, clock: Clock):
        """Logins are counted as sessions, and the other events not at all."""
        for kind in EventType:
            event(kind, noon)
        clock.advance(hours=2)
        gather()

        measures = set(AuthStatistic.objects.values_list("measure", flat=True))
        assert measures == {
            *("login_failed", "step_up", "reuse", "late_answer", "revoked", "gathered", "active")
        }

    def test_revocations(self, user: User, noon: datetime, clock: Clock):
        """By reason, one by one and many at once: as many as rows were changed."""
        for _ in range(5):
            last = start(user)
        sessions.revoke_session(row(last), reason="admin")
        assert sessions.revoke_user_sessions(user, reason="lost") == 4
        clock.advance(hours=2)
        gather()

        assert counted("revoked", noon) == {"admin": 1, "lost": 4}

    @pytest.mark.parametrize("detail", [{}, {"count": "many"}, {"count": -3}, ["count"], "5"])
    def test_of_a_number_that_is_none(self, db: None, noon: datetime, clock: Clock, detail: object):
        """An event for many that does not say how many counts as one, and stops nothing."""
        made = make_event(EventType.REVOKED, at=noon, reason="own")
        made.detail = detail
        made.save()
        clock.advance(hours=2)

        assert gather().complete
        assert counted("revoked") == {"own": 1}


class TestHours:
    def test_begin_and_end_to_the_millisecond(self, user: User, noon: datetime, clock: Clock):
        """What happened at the full hour belongs to the hour that begins."""
        clock.time = noon - timedelta(milliseconds=1)
        tokens = start(user)
        event(EventType.STEP_UP, clock())
        clock.time = noon
        refresh(tokens)
        start(user)
        event(EventType.STEP_UP, clock())
        clock.advance(hours=2)
        RefreshToken.objects.filter(generation=1).update(issued_at=noon)
        gather()

        for measure, key in (("sign_in", "app"), ("step_up", "")):
            assert counted(measure, noon - HOUR) == {key: 1}
            assert counted(measure, noon) == {key: 1}

    def test_are_counted_two_minutes_after_their_end(
        self, user: User, noon: datetime, clock: Clock
    ):
        """Until then a transaction that began in it may still commit."""
        start(user)
        clock.time = noon + HOUR + MARGIN - SECOND
        gather()
        assert counted("sign_in") == {}
        clock.time = noon + HOUR + MARGIN
        gather()

        assert counted("sign_in") == {"app": 1}

    def test_may_get_rows_until_then(self, user: User, noon: datetime, clock: Clock):
        """A commit that comes late is counted in the hour in which it happened."""
        clock.time = noon + HOUR + MARGIN - SECOND
        gather()
        event(EventType.STEP_UP, noon + 59 * MINUTE)
        clock.time = noon + HOUR + MARGIN
        gather()

        assert counted("step_up", noon) == {"": 1}

    def test_are_counted_once(self, user: User, noon: datetime, clock: Clock):
        """A second call finds nothing to do and changes nothing."""
        refresh(start(user))
        clock.advance(hours=3)
        assert gather().hours == 1 + 1  # the hour, and the last one, whose marker says "done"
        before = list(AuthStatistic.objects.order_by("pk").values())

        assert gather() == Gathered(0, complete=True)
        assert list(AuthStatistic.objects.order_by("pk").values()) == before

    def test_of_nothing_get_no_row(self, user: User, noon: datetime, clock: Clock):
        """A day in which nothing happened costs one marker, and the next thing is found."""
        start(user)
        clock.advance(hours=24)
        start(user)
        clock.advance(hours=5)
        gather()

        assert hours() == [noon, noon + 24 * HOUR, noon + 27 * HOUR]

    def test_are_utc(self, user: User, noon: datetime, clock: Clock, settings: Any):
        """Whatever time zone the project and the caller have."""
        settings.TIME_ZONE = "Asia/Kolkata"
        start(user)
        clock.advance(hours=2)
        gather()

        assert hours()[0].astimezone(UTC) == noon

    def test_of_a_wrong_clock_stop_nothing(self, user: User, noon: datetime, clock: Clock):
        """A host that was two days ahead left a marker there: today is counted all the same."""
        clock.time = noon + timedelta(days=2)
        gather()
        clock.time = noon
        start(user)
        clock.advance(hours=2)
        gather()

        assert counted("sign_in", noon) == {"app": 1}

    def test_when_the_clock_catches_up_with_them(self, user: User, noon: datetime, clock: Clock):
        """The hour that a wrong clock has marked is left as it is; the next one is counted."""
        clock.time = noon + 5 * HOUR
        gather()
        clock.time = noon + 4 * HOUR
        start(user)
        clock.time = noon + 5 * HOUR
        start(user)
        clock.time = noon + 8 * HOUR

        assert gather().complete
        assert counted("sign_in", noon + 5 * HOUR) == {"app": 1}


class TestGaps:
    def test_are_filled_in_order(self, user: User, noon: datetime, clock: Clock):
        """Nobody gathered for days: every hour gets its own counts."""
        tokens = start(user)
        for _ in range(4):
            clock.advance(hours=20)
            tokens = refresh(tokens)
        clock.advance(hours=3)
        gather()

        days = [noon + n * 20 * HOUR for n in range(1, 5)]
        assert [counted("refresh", hour) for hour in days] == [{"": 1}] * 4
        assert hours() == [noon, *days, noon + 81 * HOUR]

    def test_reach_back_thirty_days(self, user: User, noon: datetime, clock: Clock):
        """What is older is not counted, neither then nor as something of later."""
        tokens = start(user)
        event(EventType.STEP_UP, clock())
        clock.advance(minutes=2)
        refresh(tokens)
        clock.time = noon + REACH + 1.5 * HOUR
        young = start(user)
        clock.advance(minutes=2)
        refresh(young)
        clock.advance(hours=2)
        gather()

        assert (counted("sign_in"), counted("refresh"), counted("step_up")) == (
            {"app": 1},
            {"": 1},
            {},
        )

    def test_are_bounded_by_time(
        self, user: User, noon: datetime, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ):
        """A call that may not take long does some hours, the oldest first; the next goes on."""
        for _ in range(5):
            start(user)
            clock.advance(hours=1)
        clock.advance(hours=1)
        ticks = iter(range(1000))
        monkeypatch.setattr("tokenauth.system.monotonic", lambda: next(ticks))

        assert gather(max_seconds=3) == Gathered(1, complete=False)
        assert hours() == [noon]
        assert gather(max_seconds=5) == Gathered(3, complete=False)
        assert gather(max_seconds=100) == Gathered(1, complete=True)
        assert counted("sign_in") == {"app": 5}

    def test_with_no_time_at_all(self, user: User, noon: datetime, clock: Clock):
        """Nothing is done, and said to be left."""
        start(user)
        clock.advance(hours=2)

        assert gather(max_seconds=0) == Gathered(0, complete=False)
        assert not AuthStatistic.objects.exists()

    def test_keep_refreshes_whose_session_is_trimmed_later(
        self, user: User, noon: datetime, clock: Clock
    ):
        """History that goes after it was counted is not counted a second time, nor lost."""
        tokens = start(user)
        for _ in range(110):
            clock.advance(minutes=1)
            tokens = refresh(tokens)
            if clock.time.minute % 30 == 0:
                gather()
        clock.advance(hours=2)
        gather()

        assert RefreshToken.objects.count() == 60
        assert counted("refresh") == {"": 110}


class TestActive:
    def test_are_those_that_a_request_may_use(self, user: User, noon: datetime, clock: Clock):
        """Neither revoked nor expired nor without a user, nor one who was deactivated."""
        kept, revoked, orphan, expired = (start(user) for _ in range(4))
        start(User.objects.create(username="gone"))
        User.objects.filter(username="gone").update(is_active=False)
        sessions.revoke_session(row(revoked), reason="admin")
        AuthSession.objects.filter(pk=orphan.session.pk).update(user=None)
        AuthSession.objects.filter(pk=expired.session.pk).update(expires_at=clock())
        gather()

        assert counted("active") == {"": 1}
        assert row(kept).revoked_at is None

    def test_are_counted_once_an_hour(self, user: User, noon: datetime, clock: Clock):
        """The first call of an hour counts them."""
        start(user)
        gather()
        start(user)
        clock.advance(minutes=30)
        gather()
        clock.advance(minutes=30)
        gather()

        found = AuthStatistic.objects.filter(measure="active").order_by("hour")
        assert [(one.hour, one.count) for one in found] == [(noon, 1), (noon + HOUR, 2)]

    def test_of_a_big_table_are_left_out_where_asked(self, user: User, noon: datetime):
        """A page view never reads all of a big table."""
        for _ in range(3):
            start(user)
        gather(scan_at_most=2)
        assert counted("active") == {}
        gather(scan_at_most=3)

        assert counted("active") == {"": 3}

    def test_name_the_users_with_the_most(self, user: User, noon: datetime, clock: Clock):
        """Twenty at most, and of the newest hour alone: no trail of who had how many when."""
        users = [User.objects.create(username=f"user-{n}") for n in range(21)]
        for number, owner in enumerate(users):
            for _ in range(1 + (number == 7)):
                start(owner)
        gather()
        clock.advance(hours=1)
        gather()

        top = AuthStatistic.objects.filter(measure="top_user").order_by("-count", "pk")
        assert [one.count for one in top] == [2] + [1] * 19
        assert top[0].key == str(users[7].pk)
        assert {one.hour for one in top} == {noon + HOUR}


class TestDatabase:
    def test_a_transaction_of_the_caller_is_refused(self, db: None):
        """Everybody else would wait for the marker until it ends."""
        with transaction.atomic(), pytest.raises(RuntimeError, match="transaction"):
            gather()

    def test_an_hour_is_written_whole_or_not_at_all(
        self, user: User, noon: datetime, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ):
        """A crash between the marker and the counts leaves neither, and the next call does both."""
        start(user)
        clock.advance(hours=2)

        def crash(*args: Any, **kwargs: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr("django.db.models.query.QuerySet.bulk_create", crash)
            with pytest.raises(SystemExit):
                gather(scan_at_most=0)
        assert not AuthStatistic.objects.exists()
        gather()

        assert counted("sign_in") == {"app": 1}

    def test_statements_do_not_grow_with_the_hour(self, user: User, noon: datetime, clock: Clock):
        """An hour costs the same few statements, whatever happened in it."""

        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                gather()
            return len(queries)

        clock.time = noon + 3 * MINUTE
        start(user)
        gather()
        start(user)
        clock.time += HOUR
        few = cost()
        for _ in range(20):
            clock.advance(seconds=40)
            refresh(start(user))
            sessions.revoke_user_sessions(user, reason="lost")
        start(user)
        clock.time = noon + 2 * HOUR + 3 * MINUTE

        assert cost() == few
        assert counted("sign_in", noon + HOUR) == {"app": 21}

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once_count_once(self, user: User, clock: Clock):
        """Four threads gather the same hours at the same moment, on every database."""
        clock.time = clock.time.replace(minute=0, second=0)
        first = clock.time
        for _ in range(6):
            tokens = start(user)
            clock.advance(minutes=1)
            refresh(tokens)
            clock.advance(minutes=59)
        clock.advance(minutes=3)
        with racers(4) as threads:
            done = threads.run(lambda: gather(clock()))

        assert all(one.complete for one in done)
        assert sum(one.hours for one in done) == 6
        assert hours() == [first + n * HOUR for n in range(6)]
        assert (counted("sign_in"), counted("refresh")) == ({"app": 6}, {"": 6})
        assert counted("active") == {"": 6}

    @pytest.mark.django_db(transaction=True)
    def test_the_hot_path_pays_nothing(self, user: User, app: Api, clock: Clock):
        """A login and a refresh name the table of the statistics in no statement."""
        gather()
        with CaptureQueriesContext(connection) as queries:
            clock.advance(minutes=1)
            assert app.refresh().status_code == 200
            assert Api().login().status_code == 200

        assert queries.captured_queries
        assert not [sql for sql in queries.captured_queries if "statistic" in sql["sql"]]


class TestFirstId:
    def test_borders_the_ids_of_its_time(self, clock: Clock):
        """Every id made from that millisecond on is greater, every earlier one is less."""
        border = system.first_id(clock())
        assert all(system.new_id() > border for _ in range(50))
        clock.advance(milliseconds=-1)
        assert all(system.new_id() < border for _ in range(50))

    def test_is_a_uuid_of_version_7(self, clock: Clock):
        """Databases order ids of one version alike, and not of two."""
        border = system.first_id(clock())
        assert (border.version, border.variant) == (7, system.new_id().variant)
