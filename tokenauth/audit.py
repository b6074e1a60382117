"""What is kept for people: the audit trail, and the history of a session's refresh tokens.

The audit trail has one row for each thing that happened to a session, and log records in the
words of :mod:`tokenauth.vocabulary`.

Rows are for staff, records for the project's log collection. Neither holds a secret, and control
characters never reach them: a line break in a user agent could otherwise forge a log line.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connections, transaction

from tokenauth.database import after_commit, is_in_test_case, write_alias
from tokenauth.logs import log_event
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken
from tokenauth.origins import NOWHERE, Origin
from tokenauth.texts import clean, holds_token

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
    client: str = "",
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
        client: of which client the session is, for the log record.
    """
    event = AuthEvent(
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
    event.client = client
    return event


def _text(key: Any) -> str:
    return "" if key is None else str(key)


def record(events: Iterable[AuthEvent]) -> None:
    """Save audit rows, in one statement, and log each once that is committed.

    What is rolled back has not happened, and a log cannot take it back.
    """
    rows, alias = list(events), write_alias()
    AuthEvent.objects.using(alias).bulk_create(rows)

    def log() -> None:
        for row in rows:
            log_event(row)

    if is_in_test_case(alias):
        log()
    else:
        after_commit(log, alias)


def event_about(
    kind: EventType, session: AuthSession, *, at: datetime, origin: Origin = NOWHERE, **facts: Any
) -> AuthEvent:
    """Return an unsaved audit row about one session; the rest as for :func:`make_event`."""
    facts = {"user_id": session.user_id, "session_id": session.pk, "client": session.client} | facts
    return make_event(kind, at=at, origin=origin, **facts)


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
