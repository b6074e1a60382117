"""What a person may ask for: a copy of what is kept about them, and that it be erased.

GDPR articles 15 and 20, and 17. The copy holds no seed, no hash and no token, and nothing about
others: of what somebody else did to the user's sessions it says that, when and why, and not who
or from where.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from tokenauth import system
from tokenauth.audit import make_event, record
from tokenauth.database import write_alias
from tokenauth.erasure import erase_traces
from tokenauth.logs import log_export
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken

__all__ = ["erase_user_data", "export_user", "write_export"]

_CHUNK = 500
"""So many rows are in memory at once."""


def export_user(user: Any) -> dict[str, Any]:
    """Return what is kept about a user, ready for JSON.

    For somebody with many thousands of events, :func:`write_export` does it without holding all
    of it in memory.

    Args:
        user: whose.

    Returns:
        ``user`` (the key), and the lists ``sessions``, ``refreshes`` and ``events``, the oldest
        first. Times are RFC 3339 in UTC.
    """
    log_export(user)
    return {"user": str(user.pk)} | {name: list(rows) for name, rows in _parts(user)}


def write_export(user: Any, write: Callable[[str], object]) -> None:
    """Write what :func:`export_user` returns as JSON, piece by piece.

    Args:
        user: whose.
        write: called with each piece of text.
    """
    log_export(user)
    write(f'{{"user": {json.dumps(str(user.pk))}')
    for name, rows in _parts(user):
        write(f', "{name}": [')
        for number, row in enumerate(rows):
            write((",\n" if number else "\n") + json.dumps(row, default=str))
        write("]")
    write("}\n")


def erase_user_data(user: Any, *, actor: Any = None) -> None:
    """Erase where a user was and on what, of sessions, history and events; whatever lives goes on.

    The audit stays, by the user's key: what happened, when and to which session. A session that
    lives learns its place again at its next refresh. Deleting a user does the same by itself.

    Args:
        user: whose.
        actor: who does it, if it is not the user.
    """
    with transaction.atomic(using=write_alias()):
        erase_traces(user.pk)
        now, actor = system.now(), actor or user
        record([make_event(EventType.ERASED, at=now, user_id=user.pk, actor=actor)])


def _parts(user: Any) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    alias = write_alias()
    sessions = AuthSession.objects.using(alias).filter(user_id=user.pk)
    history = RefreshToken.objects.using(alias).filter(session__in=sessions.values("pk"))
    events = AuthEvent.objects.using(alias).filter(user_id=user.pk)
    yield "sessions", map(_session, _in_chunks(sessions))
    yield "refreshes", map(_refresh, _in_chunks(history))
    yield "events", map(_event, _in_chunks(events))


def _in_chunks(rows: QuerySet[Any]) -> Iterator[Any]:
    """Return all rows, the oldest first; only their keys are all in memory.

    Not ``iterator()``: what it fetches from MariaDB is all there at once.
    """
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), _CHUNK):
        found = rows.model._base_manager.using(rows.db).filter(pk__in=keys[start : start + _CHUNK])
        yield from found.order_by("pk")


def _session(session: AuthSession) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "client": session.client,
        "device_name": session.device_name,
        "device": session.device,
        "device_kind": session.device_kind,
        "began": _time(session.created_at),
        "authenticated": _time(session.auth_time),
        "authenticated_by": session.amr,
        "last_used": _time(session.last_seen_at),
        "expires": _time(session.expires_at),
        "revoked": _time(session.revoked_at),
        "revoked_because": session.revoked_reason,
        "first_address": session.first_ip,
        "last_address": session.last_ip,
        "first_user_agent": session.first_user_agent,
        "last_user_agent": session.last_user_agent,
    }


def _refresh(row: RefreshToken) -> dict[str, Any]:
    return {
        "session": str(row.session_id),
        "number": row.generation,
        "time": _time(row.issued_at),
        "address": row.ip,
        "user_agent": row.user_agent,
    }


def _event(event: AuthEvent) -> dict[str, Any]:
    by_another = bool(event.actor_key) and event.actor_key != event.user_key
    detail = {name: value for name, value in event.detail.items() if name != "note"}
    return {
        "time": _time(event.created_at),
        "type": event.type,
        "session": None if event.session_id is None else str(event.session_id),
        "reason": event.reason,
        "by_another": by_another,
        "address": None if by_another else event.ip,
        "user_agent": "" if by_another else event.user_agent,
        "detail": detail,
    }


def _time(time: datetime | None) -> str | None:
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
