"""Refresh: the decision of :mod:`tokenauth.protocol`, carried out by guarded writes.

Each write names the state that it was decided on. If that state is gone, nothing was written and
the row is read and decided anew: one conditional UPDATE is all the lock there is, so refresh,
logout and revocation meet on the same row and none can undo another.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Case, F, Value, When

from tokenauth import system
from tokenauth.accounts import auth_hash, change_of, end_of, is_of_old_secret
from tokenauth.audit import NOWHERE, Origin, event_about, record
from tokenauth.conf import Transport, config
from tokenauth.database import ATTEMPTS, refuse_transaction, write_alias
from tokenauth.exceptions import RefreshInvalid, RefreshSuperseded, SessionEnded, TryAgain
from tokenauth.issuing import Tokens, issue_tokens, next_end
from tokenauth.logs import log_rotation, log_use_after_end
from tokenauth.models import (
    AuthSession,
    EndReason,
    EventType,
    RevokedReason,
    SessionQuerySet,
)
from tokenauth.moves import find_move, last_device, note_move, note_repeat, whereabouts
from tokenauth.protocol import Decision, Verdict, decide
from tokenauth.revocation import announce, mark_revoked
from tokenauth.signals import refresh_reused, refresh_rotated
from tokenauth.statements import load_session, write_rotation
from tokenauth.tokens.access import AccessToken
from tokenauth.tokens.refresh import PresentedToken, parse_refresh_token

__all__ = ["confirm", "confirm_use", "rotate"]

logger = logging.getLogger("tokenauth.rotation")


def rotate(refresh_token: str, *, transport: Transport, origin: Origin = NOWHERE) -> Tokens:
    """Exchange a refresh token for tokens of the session's current generation.

    Several requests with one token get one successor, in whatever order they arrive; a token
    that was superseded and whose successor was used ends the session.

    Args:
        refresh_token: as it was sent; anything at all.
        transport: how it came. A token of a cookie session that comes in a body is refused, and
            the reverse: whoever moved it is not the client it was given to.
        origin: where the request came from.

    Raises:
        RefreshInvalid: not authentic, or by the wrong transport. Nothing changed.
        RefreshSuperseded: from before a step-up. Nothing changed.
        SessionEnded: over, or ended by this call. What was written is committed.
        TryAgain: lost three races, or the database refused. Nothing was issued.
        RuntimeError: called inside a transaction, whose rollback would undo a revocation.
    """
    refuse_transaction(write_alias())
    now = system.now()
    presented = parse_refresh_token(refresh_token, config.refresh_keys)
    if presented is None:
        raise RefreshInvalid("malformed, or of an unknown key")
    raced, refused = False, None
    for _ in range(ATTEMPTS):
        try:
            session = _load(presented, transport)
            _refuse_ended(session, now, origin)
            decision = _decide(session, presented.generation, now, raced=raced)
            raced = raced or decision.verdict is Verdict.ROTATE
            tokens = _carry_out(decision, session, presented.generation, now, origin)
        except OperationalError as error:
            # A serialisation failure, a deadlock or a lock timeout: REPEATABLE READ raises where
            # READ COMMITTED counts 0 rows.
            refused = error
            continue
        if tokens is not None:
            return tokens
    if refused is not None:
        logger.warning("a refresh was given up: the database refused: %s", type(refused).__name__)
    raise TryAgain("lost three races for one session") from refused


def _load(presented: PresentedToken, transport: Transport) -> AuthSession:
    session = load_session(presented.session_id, is_rotation=True)
    if session is None:
        raise RefreshInvalid("no such session")
    # A forger knows the id from an access token; he must not be able to end the session with it.
    if not presented.is_authentic(config.refresh_keys, bytes(session.seed)):
        raise RefreshInvalid("forged")
    if session.transport != transport:
        raise RefreshInvalid("wrong transport")
    return session


def _refuse_ended(session: AuthSession, now: datetime, origin: Origin) -> None:
    if ended := end_of(session, now):
        _record_end(session, ended, now, origin)
        log_use_after_end(session, ended, origin)
        raise SessionEnded(ended)


def _decide(session: AuthSession, presented: int, now: datetime, *, raced: bool) -> Decision:
    # Whoever lost the race to rotate this generation was there before it was rotated: no late
    # answer, however short the grace, however long the winner's write waited for its lock, and
    # whatever the clocks of two hosts say.
    if raced and presented == session.generation - 1:
        now = min(now, session.rotated_at)
    return decide(session.snapshot(), presented, now, config.grace_period)


def _carry_out(
    decision: Decision, session: AuthSession, presented: int, now: datetime, origin: Origin
) -> Tokens | None:
    """Write what was decided; ``None`` if the row has changed since it was read."""
    match decision.verdict:
        case Verdict.KEEP:
            if decision.confirms:
                confirm(session, presented, now)
            return issue_tokens(session, now, with_refresh=False)
        case Verdict.ROTATE:
            return _rotate(session, now, origin)
        case Verdict.REPEAT | Verdict.LATE:
            return _repeat(session, decision, now, origin)
        case Verdict.SUPERSEDED:
            raise RefreshSuperseded("from before a step-up")
        case Verdict.AHEAD:
            _catch_up(session, presented, origin)
        case _:
            _end_for_reuse(session, presented, now, origin)
    return None


def _row(session: AuthSession) -> SessionQuerySet:
    """The session's row if it is of the generation that was read, and has not ended."""
    return AuthSession.objects.using(write_alias()).filter(
        pk=session.pk,
        generation=session.generation,
        revoked_at__isnull=True,
        end_recorded_at__isnull=True,
    )


def _rotate(session: AuthSession, now: datetime, origin: Origin) -> Tokens | None:
    # The time of the write, not of the arrival: a request that arrived before this one was
    # written is a race, however short the grace.
    values: dict[str, Any] = {
        "generation": session.generation + 1,
        "confirmed_generation": session.generation,
        "rotated_at": system.now(),
        "last_seen_at": now,
        "expires_at": next_end(session, now),
    } | whereabouts(session, origin)
    if is_of_old_secret(session.user, session.auth_hash):
        values["auth_hash"] = auth_hash(session.user)
    if move := find_move(session, origin):
        values |= move.changes(now) | {"moves": session.moves + 1}
    if not write_rotation(session, values, origin):
        return None
    log_rotation(session, origin)
    if move:
        note_move(session, move, origin)
    refresh_rotated.send_robust(sender=AuthSession, session=session)
    return issue_tokens(session, now, with_refresh=True)


def _repeat(
    session: AuthSession, decision: Decision, now: datetime, origin: Origin
) -> Tokens | None:
    row = _row(session)
    values: dict[str, Any] = {"grace_count": F("grace_count") + 1}
    if decision.restarts_grace:
        row = row.filter(confirmed_generation__lt=session.generation)
        values["rotated_at"] = system.now()
    if decision.verdict is Verdict.LATE:
        row = row.filter(late_generation=session.late_generation)
        values |= {
            "late_generation": session.generation,
            "late_run": decision.late_run,
            "last_seen_at": now,
            "expires_at": next_end(session, now),
        }
    if move := find_move(session, origin):
        # Where the session is stays what it was: only a rotation moves it.
        values |= move.sighting(now) | {"moves": F("moves") + 1}
    if not row.update(**values):
        return None
    note_repeat(session, decision, move, origin)
    session.expires_at = values.get("expires_at", session.expires_at)
    return issue_tokens(session, now, with_refresh=True)


def _catch_up(session: AuthSession, presented: int, origin: Origin) -> None:
    """Move a row forward to a generation that was issued and lost: the database was restored."""
    logger.error(
        "session %s is at generation %d, but an authentic token of generation %d was presented: "
        "the database has lost commits; revocations may be lost too",
        session.pk,
        session.generation,
        presented,
    )
    detail = {"from": session.generation, "to": presented}
    if _row(session).update(generation=presented, confirmed_generation=presented):
        record([_event(EventType.DATABASE_BEHIND, session, origin, detail=detail)])


def _end_for_reuse(session: AuthSession, presented: int, now: datetime, origin: Origin) -> None:
    """Revoke a session of which a superseded token was presented.

    Guarded by the floor alone: whatever else changes, what was reuse stays reuse.
    """
    alias, reason = write_alias(), RevokedReason.REUSE
    row = AuthSession.objects.using(alias).filter(pk=session.pk, floor=session.floor)
    with transaction.atomic(using=alias):
        if not mark_revoked(row, now, reason=reason):
            return
        detail = {
            "presented": presented,
            "current": session.generation,
            "last_ip": Origin(session.last_ip).ip,
            "last_device": last_device(session).label,
        }
        record([_event(EventType.REUSE, session, origin, reason=reason, detail=detail)])
    session.revoked_at, session.revoked_reason = now, reason
    facts = {"ip": origin.ip, "user_agent": origin.user_agent}
    refresh_reused.send_robust(sender=AuthSession, session=session, **facts)
    announce([session], 1, session.user, reason, None)
    raise SessionEnded(EndReason.REUSE)


def _record_end(session: AuthSession, ended: EndReason, now: datetime, origin: Origin) -> None:
    """Record, once, that a session was found expired, or its account changed."""
    if session.revoked_at is not None or session.end_recorded_at is not None:
        return
    alias, reason = write_alias(), change_of(session) or RevokedReason.ACCOUNT
    row = AuthSession.objects.using(alias).filter(
        pk=session.pk, revoked_at__isnull=True, end_recorded_at__isnull=True
    )
    with transaction.atomic(using=alias):
        if ended is EndReason.EXPIRED:
            if row.update(end_recorded_at=now):
                record([_event(EventType.EXPIRED, session, origin, reason=ended)])
            return
        if not mark_revoked(row, now, reason=reason):
            return
        record([_event(EventType.REVOKED, session, origin, reason=reason)])
    session.revoked_at, session.revoked_reason = now, reason
    announce([session], 1, session.user, reason, None)


def _event(kind: EventType, session: AuthSession, origin: Origin, **facts: Any) -> Any:
    return event_about(kind, session, at=system.now(), origin=origin, **facts)


def confirm(session: AuthSession, generation: int, now: datetime) -> bool:
    """Record the first use of a generation, by one conditional UPDATE; it moves the idle end.

    Args:
        session: the session, of whatever generation it was when it was read.
        generation: the one that was used: by its refresh token, or by an access token.
        now: when.

    Returns:
        Whether this call recorded it. Losing one is harmless: a later use records it.
    """
    end = next_end(session, now)
    recorded = _confirm(session.pk, generation, now, end)
    if recorded:
        session.confirmed_generation, session.expires_at = generation, end
        session.last_seen_at = now
    return recorded


def confirm_use(token: AccessToken, now: datetime) -> bool:
    """Do as :func:`confirm`, for an access token whose session was not read."""
    idle_end = now + config.idle_lifetime_of(token["client_id"])
    absolute = F("absolute_expires_at")
    # Not Least(): what it makes of a parameter beside a column differs by database.
    end = Case(When(absolute_expires_at__lt=idle_end, then=absolute), default=Value(idle_end))
    return _confirm(token.session_id, token.generation, now, end)


def _confirm(session_id: uuid.UUID, generation: int, now: datetime, end: datetime | Case) -> bool:
    rows = AuthSession.objects.using(write_alias()).filter(
        pk=session_id,
        confirmed_generation__lt=generation,
        generation__gte=generation,
        revoked_at__isnull=True,
        end_recorded_at__isnull=True,
        expires_at__gt=now,
    )
    return bool(rows.update(confirmed_generation=generation, last_seen_at=now, expires_at=end))
