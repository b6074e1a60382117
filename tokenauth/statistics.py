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

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q, QuerySet

from tokenauth import system
from tokenauth.database import refuse_transaction, retry, write_alias
from tokenauth.models import AuthEvent, AuthSession, AuthStatistic, EventType, RefreshToken

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

_COUNTED_EVENTS = (
    EventType.LOGIN_FAILED,
    EventType.STEP_UP,
    EventType.REUSE,
    EventType.LATE_ANSWER,
)


class Measure:
    """What is counted, and what the key of a row then says."""

    SIGN_IN: Final = "sign_in"
    """Sessions that began, by client."""
    DEVICE: Final = "device"
    """The same, by kind of device."""
    NEW_DEVICE: Final = "new_device"
    """Those of them that began on a device that was new for the user."""
    FAILURE: Final = EventType.LOGIN_FAILED.value
    STEP_UP: Final = EventType.STEP_UP.value
    REUSE: Final = EventType.REUSE.value
    LATE_ANSWER: Final = EventType.LATE_ANSWER.value
    REVOKED: Final = EventType.REVOKED.value
    """Sessions that were revoked, by reason."""
    REFRESH: Final = "refresh"
    ACTIVE: Final = "active"
    """Sessions that were active at one moment of the hour."""
    TOP_USER: Final = "top_user"
    """Active sessions of one user, by the user's key; of the newest count alone."""
    GATHERED: Final = "gathered"
    """The marker of an hour. Its count is the id of the last refresh that has been counted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened in a stretch of time.

    Attributes:
        counts: how often, by measure and key.
        last_refresh: the id of the last refresh among them.
    """

    counts: Counter[tuple[str, str]]
    last_refresh: int


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
        written += _write(alias, hour, _count(alias, hour, hour + HOUR, after))
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
    return _count(write_alias(), start, None, after)


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
    sessions = AuthSession.objects.using(alias).filter(pk__gte=_first_id(start))
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


def _count(alias: str, start: datetime, end: datetime | None, after: int) -> Counted:
    refreshes, last = _count_refreshes(alias, end, after)
    counts: Counter[tuple[str, str]] = Counter()
    counts.update(_count_sessions(alias, start, end))
    counts.update(_count_events(alias, start, end))
    counts[Measure.REFRESH, ""] += refreshes
    return Counted(+counts, last)


def _count_sessions(alias: str, start: datetime, end: datetime | None) -> Counter[tuple[str, str]]:
    rows = AuthSession.objects.using(alias).filter(pk__gte=_first_id(start))
    if end is not None:
        rows = rows.filter(pk__lt=_first_id(end))
    counts: Counter[tuple[str, str]] = Counter()
    groups = rows.order_by().values_list("client", "device_kind", "new_device")
    for client, kind, new, count in groups.annotate(count=Count("pk")):
        counts[Measure.SIGN_IN, client] += count
        counts[Measure.DEVICE, kind] += count
        counts[Measure.NEW_DEVICE, ""] += count * new
    return counts


def _count_events(alias: str, start: datetime, end: datetime | None) -> Counter[tuple[str, str]]:
    rows = AuthEvent.objects.using(alias).filter(created_at__gte=start)
    if end is not None:
        rows = rows.filter(created_at__lt=end)
    at_once = Q(type=EventType.REVOKED, session_id__isnull=True)
    counts: Counter[tuple[str, str]] = Counter()
    single = rows.filter(~at_once, type__in=[*_COUNTED_EVENTS, EventType.REVOKED])
    groups = single.order_by().values_list("type", "reason")
    for kind, reason, count in groups.annotate(count=Count("pk")):
        counts[kind, reason if kind == EventType.REVOKED else ""] += count
    # One event for many sessions says how many.
    many = rows.filter(at_once).values_list("reason", "detail").iterator()
    for reason, detail in many:
        counts[Measure.REVOKED, reason] += _number(detail)
    return counts


def _number(detail: Any) -> int:
    count = detail.get("count") if isinstance(detail, dict) else None
    return count if isinstance(count, int) and count > 0 else 1


def _count_refreshes(alias: str, end: datetime | None, after: int) -> tuple[int, int]:
    """Return how many there were, and the id of the last; a login's generation 0 is none."""
    rows = RefreshToken.objects.using(alias).filter(pk__gt=after)
    if end is not None:
        next_hour = rows.filter(issued_at__gte=end).order_by("pk").values_list("pk", flat=True)
        first = next_hour.first()
        if first is not None:
            rows = rows.filter(pk__lt=first)
    found = rows.aggregate(count=Count("pk", filter=Q(generation__gt=0)), last=Max("pk"))
    return found["count"], found["last"] or after


def _first_id(time: datetime) -> uuid.UUID:
    """Return the least id that a session of this time can have (RFC 9562 section 5.7)."""
    milliseconds = int(time.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0x8 << 60)


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
    active: QuerySet[Any] = sessions.filter(
        user__isnull=False, revoked_at__isnull=True, expires_at__gt=now
    )
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
