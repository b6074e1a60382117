"""What is counted of an hour, and how: from ranges of indexes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, Q

from tokenauth import system
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken

__all__ = ["Counted", "Measure", "count_between"]

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


def count_between(alias: str, start: datetime, end: datetime | None, after: int) -> Counted:
    """Count what happened from ``start`` to ``end``; to the present for ``None``.

    Args:
        alias: the database that sessions are written to.
        start: when it begins.
        end: when it ends, exclusive.
        after: the id of the last refresh that has been counted before.
    """
    refreshes, last = _count_refreshes(alias, end, after)
    counts: Counter[tuple[str, str]] = Counter()
    counts.update(_count_sessions(alias, start, end))
    counts.update(_count_events(alias, start, end))
    counts[Measure.REFRESH, ""] += refreshes
    return Counted(+counts, last)


def _count_sessions(alias: str, start: datetime, end: datetime | None) -> Counter[tuple[str, str]]:
    rows = AuthSession.objects.using(alias).filter(pk__gte=system.first_id(start))
    if end is not None:
        rows = rows.filter(pk__lt=system.first_id(end))
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
