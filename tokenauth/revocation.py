"""Ending sessions. Every entrance comes here: endpoints, admin, commands, signals, reuse.

State and audit row are committed together; the signal goes out after the commit, and a receiver
that raises undoes nothing.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from tokenauth import system
from tokenauth.audit import NOWHERE, Origin, event_about, make_event, record
from tokenauth.database import after_commit, retry, write_alias
from tokenauth.erasure import erase_traces
from tokenauth.models import (
    AuthEvent,
    AuthSession,
    EventType,
    RevokedReason,
    SessionQuerySet,
)
from tokenauth.signals import session_revoked
from tokenauth.tokens.access import LEEWAY

__all__ = [
    "announce",
    "forget_user",
    "living",
    "mark_revoked",
    "revoke_session",
    "revoke_sessions",
    "revoke_user_sessions",
]


def revoke_session(
    session: AuthSession,
    *,
    reason: str,
    actor: Any = None,
    note: str = "",
    origin: Origin = NOWHERE,
) -> bool:
    """End one session now: its refresh token and every access token already out.

    May be called inside the caller's transaction; it then takes effect with the commit.

    Args:
        session: the session.
        reason: a code, such as those of :class:`tokenauth.models.RevokedReason`; at most 32
            characters are kept.
        actor: the user who did it, if it was a person.
        note: that person's own words; at most 200 characters are kept.
        origin: where the request to do it came from.

    Returns:
        Whether this call ended it; ``False`` if it had ended before.

    Raises:
        TryAgain: the database refused three times.
    """
    return revoke_sessions([session], reason=reason, actor=actor, note=note, origin=origin) == 1


def revoke_sessions(
    sessions: Sequence[AuthSession],
    *,
    reason: str,
    actor: Any = None,
    note: str = "",
    origin: Origin = NOWHERE,
) -> int:
    """End these sessions, each with an audit row of its own; one signal for all.

    Arguments and errors as for :func:`revoke_session`.

    Returns:
        How many this call ended.
    """
    ended = _revoke_listed(sessions, reason, actor, note, origin)
    if ended:
        announce(ended, len(ended), _one_user(ended), reason, actor)
    return len(ended)


def revoke_user_sessions(
    user: Any,
    *,
    reason: str,
    actor: Any = None,
    keep: AuthSession | uuid.UUID | None = None,
    before: datetime | None = None,
    note: str = "",
    origin: Origin = NOWHERE,
) -> int:
    """End all of a user's sessions that exist now, in two statements however many they are.

    A login that commits afterwards is a new one, and stands.

    Args:
        user: whose.
        reason: as for :func:`revoke_session`.
        actor: likewise.
        keep: one session, or its id, to leave alone.
        before: only sessions that began before this time; ``None``: whenever they began.
        note: likewise.
        origin: likewise.

    Returns:
        How many this call ended.

    Raises:
        TryAgain: the database refused three times.
        ValueError: ``before`` has no time zone.
    """
    if before is not None and before.tzinfo is None:
        raise ValueError("a time without a time zone")
    keep_id = keep.pk if isinstance(keep, AuthSession) else keep
    count = _revoke_all(user, keep_id, before, reason=reason, actor=actor, note=note, origin=origin)
    if count:
        announce([], count, user, reason, actor)
    return count


def living(sessions: SessionQuerySet, now: datetime) -> SessionQuerySet:
    """Return those of ``sessions`` that a revocation would end.

    An expired session stays expired: it was not revoked. The leeway is for hosts whose clocks
    differ: one of them may still honour what has expired here.
    """
    return sessions.filter(revoked_at__isnull=True, expires_at__gt=now - LEEWAY)


def mark_revoked(
    sessions: SessionQuerySet, now: datetime, *, reason: str, actor: Any = None, note: str = ""
) -> int:
    """Write the revocation of those of ``sessions`` that live; return how many."""
    return living(sessions, now).update(
        revoked_at=now,
        revoked_reason=reason[:32],
        revoked_note=note[:200],
        revoked_by_id=getattr(actor, "pk", None),
        end_recorded_at=now,
        listed_at=now,
    )


@retry
def _revoke_listed(
    sessions: Sequence[AuthSession], reason: str, actor: Any, note: str, origin: Origin
) -> list[AuthSession]:
    alias, now = write_alias(), system.now()
    wanted = {session.pk: session for session in sessions if session.revoked_at is None}
    if not wanted:
        return []
    named = AuthSession.objects.using(alias).filter(pk__in=wanted)
    with transaction.atomic(using=alias):
        count = mark_revoked(named, now, reason=reason, actor=actor, note=note)
        if not count:
            return []
        ended = list(wanted.values())
        if count < len(ended):
            ours = set(named.filter(revoked_at=now).values_list("pk", flat=True))
            ended = [session for session in ended if session.pk in ours]
        record(
            event_about(
                EventType.REVOKED,
                session,
                at=now,
                origin=origin,
                actor=actor,
                reason=reason,
                detail={"note": note[:200]} if note else None,
            )
            for session in ended
        )
    for session in ended:
        session.revoked_at, session.revoked_reason = now, reason[:32]
    return ended


@retry
def _revoke_all(
    user: Any,
    keep_id: uuid.UUID | None,
    before: datetime | None,
    *,
    reason: str,
    actor: Any,
    note: str,
    origin: Origin,
) -> int:
    alias, now = write_alias(), system.now()
    theirs = AuthSession.objects.using(alias).filter(user_id=user.pk)
    if keep_id is not None:
        theirs = theirs.exclude(pk=keep_id)
    if before is not None:
        theirs = theirs.filter(created_at__lt=before)
    with transaction.atomic(using=alias):
        count = mark_revoked(theirs, now, reason=reason, actor=actor, note=note)
        if count:
            detail = {"count": count, "kept": str(keep_id) if keep_id else None, "note": note[:200]}
            event = _bulk_event(user, now, detail, reason=reason, actor=actor, origin=origin)
            record([event])
    return count


def forget_user(user: Any) -> None:
    """End and anonymise the sessions of a user who is about to be deleted.

    What stays is pseudonymous: sessions without a user, and events that keep the user's key. Of
    what the user did to others, where they did it from is forgotten.

    Args:
        user: whose; still in the database, and in the transaction that deletes.
    """
    alias, now, reason = write_alias(), system.now(), RevokedReason.DELETED
    theirs = AuthSession.objects.using(alias).filter(user_id=user.pk)
    with transaction.atomic(using=alias):
        count = mark_revoked(theirs, now, reason=reason)
        erase_traces(user.pk)
        if count:
            detail = {"count": count}
            event = _bulk_event(user, now, detail, reason=reason, actor=None, origin=NOWHERE)
            record([event])
    if count:
        # A copy: Django takes the key from the instance that it deletes, before the commit.
        announce([], count, copy.copy(user), reason, None)


def _bulk_event(
    user: Any, now: datetime, detail: dict[str, Any], *, reason: str, actor: Any, origin: Origin
) -> AuthEvent:
    return make_event(
        EventType.REVOKED,
        at=now,
        user_id=user.pk,
        actor=actor,
        origin=origin,
        reason=reason,
        detail={name: value for name, value in detail.items() if value},
    )


def _one_user(sessions: Sequence[AuthSession]) -> Any:
    users = {session.user_id for session in sessions}
    return sessions[0].user if len(users) == 1 else None


def announce(
    sessions: Sequence[AuthSession], count: int, user: Any, reason: str, actor: Any
) -> None:
    """Send ``session_revoked`` after the commit; its arguments are these."""

    def send() -> None:
        session_revoked.send_robust(
            sender=AuthSession,
            sessions=sessions,
            count=count,
            user=user,
            reason=reason,
            actor=actor,
        )

    after_commit(send, write_alias())
