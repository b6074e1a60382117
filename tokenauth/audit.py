"""What is kept for people: the audit trail, and the history of a session's refresh tokens.

The audit trail has one row and one log record for each thing that happened to a session.

Rows are for staff, records for the project's log collection. Neither holds a secret, and control
characters never reach them: a line break in a user agent could otherwise forge a log line.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connections, transaction

from tokenauth.database import write_alias
from tokenauth.models import (
    ALARMS,
    MAX_USER_AGENT,
    AuthEvent,
    AuthSession,
    EventType,
    RefreshToken,
)

__all__ = [
    "HISTORY_KEPT",
    "NOWHERE",
    "Origin",
    "clean",
    "event_about",
    "holds_token",
    "keep_history",
    "make_event",
    "record",
    "record_if_possible",
    "savepoint",
    "trim_history",
]

HISTORY_KEPT = 50
"""So many rows of history stay per session; older ones go with every 50th rotation."""

logger = logging.getLogger("tokenauth.audit")

# A JWT, or a run as long as a refresh token, a seed in hex or a hash: no name, id or address is.
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}|[\w-]{60,}", re.ASCII)


def clean(text: str, length: int) -> str:
    """Return ``text`` as one printable line of at most ``length`` characters.

    Control and format characters (line breaks, bidirectional overrides), unassigned code points
    and lone surrogates become ``?``.
    """
    kept = text[:length]
    if kept.isprintable():
        return kept
    return "".join(char if char.isprintable() else "?" for char in kept)


def holds_token(text: str) -> bool:
    """Return whether somewhere in ``text`` is what can only be a token or another secret."""
    return _TOKEN.search(text) is not None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from.

    Attributes:
        ip: the client's address, or ``None`` if it is not known.
        user_agent: what the client calls itself: its word, not proof.
    """

    ip: str | None = None
    user_agent: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "user_agent", clean(self.user_agent, MAX_USER_AGENT))


NOWHERE = Origin()


def make_event(
    kind: EventType,
    *,
    at: datetime,
    user_id: Any = None,
    session_id: uuid.UUID | None = None,
    actor: Any = None,
    origin: Origin = NOWHERE,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> AuthEvent:
    """Return an audit row that is not saved yet.

    Args:
        kind: what happened.
        at: when.
        user_id: the key of whose account, or ``None``.
        session_id: which session, or ``None``.
        actor: who did it, if it was a person.
        origin: from where.
        reason: why, as a code.
        detail: further facts, as JSON; never a secret.
    """
    return AuthEvent(
        created_at=at,
        type=kind,
        user_id=user_id,
        user_key=_text(user_id),
        actor_id=getattr(actor, "pk", None),
        actor_key=_text(getattr(actor, "pk", None)),
        session_id=session_id,
        ip=origin.ip,
        user_agent=origin.user_agent,
        reason=reason[:32],
        detail=detail or {},
    )


def _text(key: Any) -> str:
    return "" if key is None else str(key)


def record(events: Iterable[AuthEvent]) -> None:
    """Save audit rows, in one statement, and log each."""
    rows = list(events)
    AuthEvent.objects.using(write_alias()).bulk_create(rows)
    for row in rows:
        level = logging.WARNING if row.type in ALARMS else logging.INFO
        logger.log(
            level,
            "%s user=%s session=%s reason=%s ip=%s",
            row.type,
            row.user_key or "-",
            row.session_id or "-",
            row.reason or "-",
            row.ip or "-",
        )


def event_about(
    kind: EventType, session: AuthSession, *, at: datetime, origin: Origin = NOWHERE, **facts: Any
) -> AuthEvent:
    """Return an unsaved audit row about one session; the rest as for :func:`make_event`."""
    return make_event(
        kind, at=at, user_id=session.user_id, session_id=session.pk, origin=origin, **facts
    )


def record_if_possible(event: AuthEvent) -> None:
    """Save one audit row about what has been committed; a failure is logged and fails nothing."""
    try:
        with savepoint(write_alias()):
            record([event])
    except DatabaseError:
        logger.exception("the audit misses: %s session=%s", event.type, event.session_id or "-")


def keep_history(session: AuthSession, origin: Origin) -> None:
    """Write the history row of a rotation; a failure is logged and fails nothing."""
    alias = write_alias()
    row = RefreshToken(
        session_id=session.pk,
        generation=session.generation,
        issued_at=session.rotated_at,
        ip=origin.ip,
        user_agent=origin.user_agent,
    )
    try:
        with savepoint(alias):
            row.save(using=alias, force_insert=True)
    except DatabaseError:
        logger.exception("the history of session %s misses a row", session.pk)
    else:
        trim_history(session)


def trim_history(session: AuthSession) -> None:
    """Remove the oldest rows of a session's history, at every 50th generation."""
    oldest = session.generation - HISTORY_KEPT
    if oldest < 0 or session.generation % HISTORY_KEPT:
        return
    alias = write_alias()
    rows = RefreshToken.objects.using(alias).filter(session_id=session.pk)
    try:
        with savepoint(alias):
            rows.filter(generation__lte=oldest).delete()
    except DatabaseError:
        logger.exception("the history of session %s was not trimmed", session.pk)


def savepoint(alias: str) -> AbstractContextManager[None]:
    """Protect a transaction that is open; open none, as every statement would cost two more."""
    if connections[alias].in_atomic_block:
        return transaction.atomic(using=alias)
    return nullcontext()
