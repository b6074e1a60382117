"""Removing what nothing needs any more: sessions that are over, old events and old statistics.

Failed logins are an attacker's rows, and go sooner than other events. Where the project says so,
personal data is erased from rows that stay: :mod:`tokenauth.erasure`.

A session goes when its absolute end has passed, however and whenever it ended. Until then its row
is what names and judges a refresh token that was superseded or stolen (RFC 9700 section 4.14.2):
a replay is answered by what became of the session, and recorded. Nor does a session go while its
revocation may still be wanted by those who verify access tokens from a list.

Everything is found by an index and removed in small batches, each committed by itself. No lock is
held from one to the next, and none is taken on the row of a session that lives. So a run may stop
anywhere, be repeated, and meet another one or any traffic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from tokenauth import system
from tokenauth.conf import config
from tokenauth.database import refuse_transaction, retry, write_alias
from tokenauth.erasure import PROGRESS, erase_events, erase_sessions
from tokenauth.models import (
    AuthEvent,
    AuthSession,
    AuthStatistic,
    EventType,
    RefreshToken,
    SessionQuerySet,
)
from tokenauth.tokens.access import LEEWAY

__all__ = [
    "BATCH_SIZE",
    "MAX_BATCH_SIZE",
    "MOST_COUNTED",
    "Pruned",
    "Rows",
    "count_due",
    "prune",
]

BATCH_SIZE = 1000
"""So many rows of a kind go in one statement, which takes milliseconds."""

MAX_BATCH_SIZE = 10_000
"""More keys are more than some databases take in one statement."""

MOST_COUNTED = 100_000
"""What is left when the time is over is counted up to here: counting takes time as well."""

_BY_ANYBODY = (EventType.LOGIN_FAILED, EventType.THROTTLED)
"""Events that whoever guesses passwords can cause."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Numbers of rows.

    Attributes:
        sessions: rows of ``AuthSession``.
        refresh_tokens: rows of ``RefreshToken``, the history of those sessions.
        events: rows of ``AuthEvent``.
        statistics: rows of ``AuthStatistic``, which are kept as long as events.
        erased: rows that stay, and from which personal data was erased; not counted beforehand.
    """

    sessions: int = 0
    refresh_tokens: int = 0
    events: int = 0
    statistics: int = 0
    erased: int = 0

    @property
    def total(self) -> int:
        """All that go."""
        return self.sessions + self.refresh_tokens + self.events + self.statistics

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            self.sessions + other.sessions,
            self.refresh_tokens + other.refresh_tokens,
            self.events + other.events,
            self.statistics + other.statistics,
            self.erased + other.erased,
        )


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a run did.

    Attributes:
        removed: what is gone.
        left: what was due and is still there because the time was over, each number counted up
            to 100,000; nothing after a run that was not cut short.
    """

    removed: Rows
    left: Rows


def prune(
    *,
    batch_size: int = BATCH_SIZE,
    max_seconds: float | None = None,
    progress: Callable[[Rows], object] | None = None,
) -> Pruned:
    """Remove the sessions, the audit rows and the statistics that nothing needs any more.

    Then, or in turn with it, erase personal data by ``TOKENAUTH_PERSONAL_DATA_RETENTION``.

    What is due is settled once, by the time at which the run begins. Django's ``pre_delete`` and
    ``post_delete`` are sent to those who listen, and foreign keys of a project's own to a session
    are followed as they say.

    Args:
        batch_size: how many rows a statement removes at most, 1 to 10,000.
        max_seconds: begin no further batch after so many seconds; ``None``: go on to the end.
        progress: called after each batch with all that is gone so far.

    Raises:
        TryAgain: the database refused a batch three times (deadlock, serialisation failure, lock
            timeout). What was removed before stays removed.
        RuntimeError: called inside a transaction, which would hold every lock until its end.
        ValueError: a batch size that is out of range.
    """
    if not 1 <= batch_size <= MAX_BATCH_SIZE:
        raise ValueError(f"batch_size is not between 1 and {MAX_BATCH_SIZE:,}")
    alias, now = write_alias(), system.now()
    refuse_transaction(alias)
    end = None if max_seconds is None else system.monotonic() + max_seconds
    batches = _alternate(
        _remove_sessions(alias, now, batch_size),
        *(_remove_old(due, "created_at", batch_size) for due in _events_due(alias, now)),
        _remove_old(_statistics_due(alias, now), "hour", batch_size),
        *_erase(alias, now, batch_size),
    )
    removed = Rows()
    while end is None or system.monotonic() < end:
        batch = next(batches, None)
        if batch is None:
            return Pruned(removed, Rows())
        removed += batch
        if progress is not None:
            progress(removed)
    return Pruned(removed, _count_due(alias, now, MOST_COUNTED))


def count_due() -> Rows:
    """Return what :func:`prune` would remove now, and change nothing."""
    return _count_due(write_alias(), system.now(), None)


def _count_due(alias: str, now: datetime, limit: int | None) -> Rows:
    sessions = _sessions_due(alias, now)
    history = RefreshToken.objects.using(alias).filter(session__in=sessions)
    events = sum(rows[:limit].count() for rows in _events_due(alias, now))
    events = events if limit is None else min(events, limit)
    counted: tuple[QuerySet[Any], ...] = (sessions, history, _statistics_due(alias, now))
    ended, lines, statistics = (rows[:limit].count() for rows in counted)
    return Rows(ended, lines, events, statistics)


def _sessions_due(alias: str, now: datetime) -> SessionQuerySet:
    # Clocks of hosts differ by seconds. A list of revocations reads two access lifetimes back,
    # because commits may be late.
    listed_until = now - LEEWAY - 2 * config.longest_access_lifetime
    unlisted = Q(listed_at__isnull=True) | Q(listed_at__lt=listed_until)
    sessions = AuthSession.objects.using(alias)
    return sessions.filter(unlisted, absolute_expires_at__lt=now - LEEWAY)


def _events_due(alias: str, now: datetime) -> list[QuerySet[AuthEvent]]:
    """Return all that are old, and of those that are younger the ones that anybody can cause."""
    oldest, events = now - config.event_retention, AuthEvent.objects.using(alias)
    younger = events.filter(
        created_at__gte=oldest, created_at__lt=now - config.failed_login_retention
    )
    # Each kind by itself: a range of the index of types and times.
    by_anybody = [younger.filter(type=kind) for kind in _BY_ANYBODY]
    return [events.filter(created_at__lt=oldest), *by_anybody]


def _statistics_due(alias: str, now: datetime) -> QuerySet[AuthStatistic]:
    rows = AuthStatistic.objects.using(alias).filter(hour__lt=now - config.event_retention)
    return rows.exclude(measure=PROGRESS)


def _erase(alias: str, now: datetime, size: int) -> list[Iterator[Rows]]:
    retention = config.personal_data_retention
    if retention is None:
        return []
    steps = (erase_sessions, erase_events)
    return [(Rows(erased=n) for n in step(alias, now - retention, size)) for step in steps]


def _alternate(*sources: Iterator[Rows]) -> Iterator[Rows]:
    """Take from each in turn, so that a short time serves all of them."""
    waiting = list(sources)
    while waiting:
        for source in list(waiting):
            batch = next(source, None)
            if batch is None:
                waiting.remove(source)
            else:
                yield batch


def _remove_sessions(alias: str, now: datetime, size: int) -> Iterator[Rows]:
    history, sessions = RefreshToken.objects.using(alias), AuthSession.objects.using(alias)
    for keys in _walk(_sessions_due(alias, now), "absolute_expires_at", size):
        # The history first, and by its own keys: one session may have a hundred rows of it. What
        # is less than a batch goes with the sessions.
        theirs = history.filter(session_id__in=keys).values_list("pk", flat=True)
        while len(found := list(theirs[:size])) == size:
            yield _delete(history.filter(pk__in=found))
        yield _delete(sessions.filter(pk__in=keys).only("pk"))


def _remove_old(due: QuerySet[Any], order: str, size: int) -> Iterator[Rows]:
    rows = due.model._base_manager.using(due.db)
    for keys in _walk(due, order, size):
        yield _delete(rows.filter(pk__in=keys))


def _walk(rows: QuerySet[Any], order: str, size: int) -> Iterator[list[Any]]:
    """Return the keys of ``rows`` in batches, each to be removed before the next is asked for.

    Each batch begins in the index where the last one ended: what has been removed stays in it
    until it is vacuumed, and reading past it again each time would be quadratic.
    """
    here = rows.order_by(order).values_list("pk", order)
    while found := list(here[:size]):
        yield [key for key, _ in found]
        here = rows.filter(**{f"{order}__gte": found[-1][1]}).order_by(order)
        here = here.values_list("pk", order)


@retry
def _delete(rows: QuerySet[Any]) -> Rows:
    _, removed = rows.delete()
    models = (AuthSession, RefreshToken, AuthEvent, AuthStatistic)
    return Rows(*(removed.get(model._meta.label, 0) for model in models))
