"""Counting what happened, hour by hour, so that the overview never reads a big table.

Each complete hour is counted once, from ranges of indexes: sign-ins by the ids of sessions, which
are ordered by time; everything of the audit trail by its time; refreshes by the ids of their
history. What was counted is written together with one marker for the hour, which is unique: of
two processes that count the same hour, one writes it and the other writes nothing.

An hour is counted two minutes after its end, when every transaction that began in it is over.
Hours that nobody has counted follow in order, 30 days back at most. The history of a session
keeps its newest 50 refreshes at least, so refreshes are exact while somebody gathers every few
hours; everything else stays exact however late it is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet

from tokenauth import system
from tokenauth.database import refuse_transaction, retry, write_alias
from tokenauth.models import AuthEvent, AuthSession, AuthStatistic, RefreshToken
from tokenauth.selection import State, in_state
from tokenauth.tallies import Counted, Measure, count_between

__all__ = [
    "HOUR",
    "MARGIN",
    "REACH",
    "TOP_USERS",
    "Counted",
    "Gathered",
    "Measure",
    "count_since",
    "floor_hour",
    "gather",
    "gathered_until",
]

HOUR = timedelta(hours=1)

MARGIN = timedelta(minutes=2)
"""So long after its end an hour may still get rows: what commits later is not counted."""

REACH = timedelta(days=30)
"""So far back hours are counted that nobody has counted yet."""

_MOST_HOURS = REACH // HOUR + 2
"""No call does more: whatever goes wrong, it comes to an end."""

TOP_USERS = 20
"""So many of the users with the most active sessions are kept."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a call of :func:`gather` did.

    Attributes:
        hours: how many hours it wrote.
        complete: whether no hour is due any more.
    """

    hours: int
    complete: bool


def floor_hour(time: datetime) -> datetime:
    """Return the beginning of the hour of ``time``."""
    return time.replace(minute=0, second=0, microsecond=0)


def gather(
    now: datetime | None = None,
    *,
    max_seconds: float | None = None,
    scan_at_most: int | None = None,
) -> Gathered:
    """Count the hours that are complete and not counted yet, and the sessions that are active.

    Safe beside itself, any traffic, and a crash: an hour is written as a whole, once.

    Args:
        now: the time to judge by; ``None``: the present.
        max_seconds: begin no further hour after so many seconds; ``None``: go on to the end.
        scan_at_most: count the active sessions only while the table has no more rows than this,
            because that reads all of it; ``None``: always.

    Raises:
        TryAgain: the database refused three times. What was written before stays written.
        RuntimeError: called inside a transaction: others would wait for it to end.
    """
    alias, now = write_alias(), now or system.now()
    refuse_transaction(alias)
    end = None if max_seconds is None else system.monotonic() + max_seconds
    if end is None or system.monotonic() < end:
        _gather_active(alias, now, scan_at_most)
    written = 0
    for _ in range(_MOST_HOURS):
        due = _next_due(alias, now)
        if due is None:
            return Gathered(written, complete=True)
        if end is not None and system.monotonic() >= end:
            break
        hour, after = due
        written += _write(alias, hour, count_between(alias, hour, hour + HOUR, after))
    return Gathered(written, complete=False)


def gathered_until(now: datetime) -> tuple[datetime, int] | None:
    """Return the end of the last hour that was counted, and the last refresh that was.

    A marker from the future, left by a host whose clock was wrong, counts for nothing.
    """
    markers = AuthStatistic.objects.using(write_alias()).filter(
        measure=Measure.GATHERED, hour__lt=floor_hour(now)
    )
    last = markers.order_by("-hour").values_list("hour", "count").first()
    return None if last is None else (last[0] + HOUR, last[1])


def count_since(start: datetime, after: int) -> Counted:
    """Count what has happened since ``start``, which is recent, and write nothing.

    Args:
        start: when it begins.
        after: the last refresh that has been counted before.
    """
    return count_between(write_alias(), start, None, after)


def _next_due(alias: str, now: datetime) -> tuple[datetime, int] | None:
    """Return the next hour to count, and the last refresh before it; hours of nothing are left out.

    The last one is never left out: its marker says that everything before it is done.
    """
    newest, oldest = floor_hour(now - MARGIN) - HOUR, floor_hour(now - REACH)
    known = gathered_until(now)
    hour, after = known or (oldest, 0)
    if hour > newest:
        return None
    if known is None or hour < oldest:
        hour, after = oldest, _last_refresh_before(alias, oldest, after)
    found = _first_since(alias, hour, after)
    return min(newest, max(hour, floor_hour(found))) if found else newest, after


def _first_since(alias: str, start: datetime, after: int) -> datetime | None:
    """Return when the first thing happened that is to be counted from ``start`` on."""
    events = AuthEvent.objects.using(alias).filter(created_at__gte=start)
    sessions = AuthSession.objects.using(alias).filter(pk__gte=system.first_id(start))
    refreshes = RefreshToken.objects.using(alias).filter(pk__gt=after)
    first = (
        events.order_by("created_at").values_list("created_at", flat=True).first(),
        sessions.order_by("pk").values_list("created_at", flat=True).first(),
        refreshes.order_by("pk").values_list("issued_at", flat=True).first(),
    )
    return min((time for time in first if time is not None), default=None)


def _last_refresh_before(alias: str, time: datetime, after: int) -> int:
    rows = RefreshToken.objects.using(alias).filter(pk__gt=after).order_by("pk")
    first = rows.filter(issued_at__gte=time).values_list("pk", flat=True).first()
    if first is not None:
        return first - 1
    return rows.order_by("-pk").values_list("pk", flat=True).first() or after


@retry
def _write(alias: str, hour: datetime, counted: Counted) -> bool:
    """Write an hour, unless somebody has; return whether this call did."""
    rows = [_row(hour, name, key, count) for (name, key), count in counted.counts.items()]
    return _write_once(alias, _row(hour, Measure.GATHERED, "", counted.last_refresh), rows)


def _write_once(alias: str, marker: AuthStatistic, rows: list[AuthStatistic]) -> bool:
    try:
        with transaction.atomic(using=alias):
            marker.save(using=alias, force_insert=True)
            # MariaDB takes two keys that differ by case for the same: the first one stays then.
            AuthStatistic.objects.using(alias).bulk_create(rows, ignore_conflicts=True)
    except IntegrityError:
        return False
    return True


def _row(hour: datetime, measure: str, key: str, count: int) -> AuthStatistic:
    return AuthStatistic(hour=hour, measure=measure, key=key, count=count)


def _gather_active(alias: str, now: datetime, scan_at_most: int | None) -> None:
    """Count the active sessions, and whose are the most, unless this hour has been."""
    hour, statistics = floor_hour(now), AuthStatistic.objects.using(alias)
    if statistics.filter(hour=hour, measure=Measure.ACTIVE).exists():
        return
    sessions = AuthSession.objects.using(alias)
    if scan_at_most is not None and sessions[: scan_at_most + 1].count() > scan_at_most:
        return
    active: QuerySet[Any] = in_state(sessions, State.ACTIVE, now)
    total = active.count()
    by_user = active.order_by().values_list("user_id").annotate(count=Count("pk"))
    top = [
        _row(hour, Measure.TOP_USER, str(user), count)
        for user, count in by_user.order_by("-count", "user_id")[:TOP_USERS]
    ]
    _write_active(alias, _row(hour, Measure.ACTIVE, "", total), top)


@retry
def _write_active(alias: str, marker: AuthStatistic, top: list[AuthStatistic]) -> None:
    if _write_once(alias, marker, top):
        old = AuthStatistic.objects.using(alias).filter(measure=Measure.TOP_USER)
        old.exclude(hour=marker.hour).delete()
