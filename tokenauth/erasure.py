"""Erasing personal data from rows that stay: by age, and by user.

Of a session that ended, of a line of history and of an event, addresses, user agents and device
names go; what happened, when and to which session stays, and so does everything that names and
judges a refresh token that turns up late. A session keeps what its device was, such as "Firefox
on Windows", by which a device is known or new.

The row of a session that lives is never written by age. Rows are found by ranges of their keys,
which are ordered by time, and how far a run has come is kept (a row of ``AuthStatistic``): under
a limit of time the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import BooleanField, ExpressionWrapper, Q

from tokenauth import system
from tokenauth.audit import savepoint
from tokenauth.database import retry, write_alias
from tokenauth.models import AuthEvent, AuthSession, AuthStatistic, RefreshToken

__all__ = ["PROGRESS", "erase_events", "erase_sessions", "erase_traces"]

PROGRESS = "erased"
"""The measure of the rows that say how far a run has come."""

_PLACE: dict[str, Any] = {"ip": None, "user_agent": ""}
_PLACES: dict[str, Any] = {
    "first_ip": None,
    "last_ip": None,
    "first_user_agent": "",
    "last_user_agent": "",
    "device_name": "",
}
_IN_DETAIL = ("from_ip", "to_ip", "last_ip", "from_device", "to_device", "last_device")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARGIN = timedelta(minutes=2)
"""An id is made a moment after the time that ``created_at`` says."""


def erase_traces(user_id: Any) -> None:
    """Erase what is known of a user but that it happened, whatever its age.

    Of what the user did to others, where they did it from is forgotten.

    Args:
        user_id: the user's key.
    """
    alias = write_alias()
    theirs = AuthSession.objects.using(alias).filter(user_id=user_id)
    RefreshToken.objects.using(alias).filter(session__in=theirs).update(**_PLACE)
    theirs.update(**_PLACES, device="", device_kind="", revoked_note="")
    events = AuthEvent.objects.using(alias)
    events.filter(user_id=user_id).update(**_PLACE, detail={})
    events.filter(actor_id=user_id).update(**_PLACE)


def erase_sessions(alias: str, before: datetime, size: int) -> Iterator[int]:
    """Erase sessions that ended before a time, and lines of history from before it, in batches.

    Args:
        alias: the database.
        before: the time.
        size: how many rows a statement reads or writes at most.

    Returns:
        After each batch, how many rows it has changed; each is committed by itself.
    """
    sessions = AuthSession.objects.using(alias)
    over = Q(revoked_at__lt=before) | Q(expires_at__lt=before)
    due = ExpressionWrapper(over & _holds(_PLACES), output_field=BooleanField())
    # What ended before the time began before it.
    began = sessions.filter(pk__lt=system.first_id(before + _MARGIN)).annotate(due=due)
    rows = began.order_by("pk").values_list("pk", "due")
    window = list(
        rows.filter(pk__gte=system.first_id(_time_at(_reached(alias, "sessions"))))[:size]
    )
    while window:
        found = [key for key, is_due in window if is_due]
        # Not without the condition: a clock that was set back may have made it live again.
        yield _update(sessions.filter(over, pk__in=found), _PLACES) if found else 0
        yield from _erase_history(alias, [key for key, _ in window], before, size)
        last = window[-1][0]
        _reach(alias, "sessions", _number_of(_EPOCH + timedelta(milliseconds=last.int >> 80)))
        window = list(rows.filter(pk__gt=last)[:size])
    if _reached(alias, "sessions"):
        # The next run begins anew: sessions do not end in the order in which they began.
        _reach(alias, "sessions", 0)


def _erase_history(alias: str, keys: list[Any], before: datetime, size: int) -> Iterator[int]:
    history = RefreshToken.objects.using(alias)
    due = history.filter(_holds(_PLACE), session_id__in=keys, issued_at__lt=before)
    while found := list(due.values_list("pk", flat=True)[:size]):
        yield _update(history.filter(pk__in=found), _PLACE)


def erase_events(alias: str, before: datetime, size: int) -> Iterator[int]:
    """Erase events from before a time, in batches; the rest as for :func:`erase_sessions`.

    Events come due in the order of their times, so each is looked at once, by whichever run.
    """
    rows = AuthEvent.objects.using(alias).filter(created_at__lt=before)
    rows = rows.order_by("created_at", "pk")
    here = rows.filter(created_at__gte=_time_at(_reached(alias, "events")))
    while found := list(here.only("type", "created_at", *_PLACE, "detail")[:size]):
        erased = _erase_found_events(alias, found)
        at, key = found[-1].created_at, found[-1].pk
        _reach(alias, "events", _number_of(at))
        yield erased
        later = Q(created_at__gt=at) | Q(pk__gt=key)
        here = rows.filter(later, created_at__gte=at)  # in the order of the index


@retry
def _erase_found_events(alias: str, found: list[AuthEvent]) -> int:
    events = AuthEvent.objects.using(alias)
    placed = [event for event in found if event.ip is not None or event.user_agent]
    detailed = [event for event in found if not event.detail.keys().isdisjoint(_IN_DETAIL)]
    if placed:
        events.filter(pk__in=[event.pk for event in placed]).update(**_PLACE)
    for event in detailed:
        event.detail = {k: v for k, v in event.detail.items() if k not in _IN_DETAIL}
    if detailed:
        events.bulk_update(detailed, ["detail"])
    return len({event.pk for event in (*placed, *detailed)})


@retry
def _update(rows: Any, values: dict[str, Any]) -> int:
    return int(rows.update(**values))


def _holds(values: dict[str, Any]) -> Q:
    """Return the condition that a row has something else than these values."""
    holds = Q()
    for name, value in values.items():
        holds |= Q(**{f"{name}__isnull": False}) if value is None else ~Q(**{name: value})
    return holds


def _reached(alias: str, what: str) -> int:
    """Return how far runs have come: microseconds since 1970, 0 for nowhere."""
    rows = AuthStatistic.objects.using(alias).filter(measure=PROGRESS, key=what)
    return rows.order_by("-hour").values_list("count", flat=True).first() or 0


def _reach(alias: str, what: str, number: int) -> None:
    """Keep how far a run has come. Losing it costs time and nothing else."""
    hour = system.now().replace(minute=0, second=0, microsecond=0)
    rows = AuthStatistic.objects.using(alias).filter(measure=PROGRESS, key=what)
    if rows.filter(hour=hour).update(count=number):
        return
    try:
        with savepoint(alias):
            rows.create(hour=hour, measure=PROGRESS, key=what, count=number)
    except IntegrityError:
        return  # another run has
    rows.filter(hour__lt=hour).delete()


def _number_of(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _time_at(number: int) -> datetime:
    return _EPOCH + timedelta(microseconds=number)
