"""Step-up: a living session is proved anew, and nothing from before counts in it any longer.

The generation jumps by two and the floor with it: no refresh token from before, not even a
repeated answer, leads into the session after it, and every access token that is out is refused.
Whoever had stolen one before the proof has gained nothing by it (ASVS 7.2.4).

A step-up writes no row of the history of refresh tokens: its audit row is its trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from tokenauth import system
from tokenauth.accounts import AuthHash, auth_hash, carry_over, compare_auth_hash, end_of
from tokenauth.audit import NOWHERE, Origin, event_about, keep_history, record
from tokenauth.conf import config
from tokenauth.database import ATTEMPTS, retry, write_alias
from tokenauth.exceptions import SessionEnded, TryAgain
from tokenauth.issuing import Tokens, issue_tokens, next_end
from tokenauth.models import AuthSession, EndReason, EventType, RevokedReason, SessionQuerySet
from tokenauth.revocation import revoke_user_sessions

__all__ = ["renew_after_password_change", "step_up"]


def step_up(session: AuthSession, *, amr: Sequence[str], origin: Origin = NOWHERE) -> Tokens:
    """Note that a session's user has just proved again who they are; return its new tokens.

    A second call within the grace after the first, by the same methods, gets tokens of the same
    generation: a double click, or an answer that was lost. May be called inside the caller's
    transaction; the tokens are good once that commits.

    Args:
        session: a living session, as it was read for this request.
        amr: how the user proved it this time (RFC 8176), for example ``("pwd", "otp")``. It
            replaces what the session had: ``amr`` and ``auth_time`` speak of one moment.
        origin: where the request came from.

    Returns:
        The tokens; their ``session`` is the session as it now is.

    Raises:
        SessionEnded: it is over, or its account is not what it was.
        TryAgain: lost three races, or the database refused. Nothing was issued.
    """
    now = system.now()
    if session.user is not None:
        # Checking the right password may have re-hashed it; that is no change of the account.
        carry_over(session.user)
    return issue_tokens(_step_up(session, list(amr), now, origin), now, with_refresh=True)


@retry
def _step_up(session: AuthSession, amr: list[str], now: datetime, origin: Origin) -> AuthSession:
    for _ in range(ATTEMPTS):
        # What looks ended may only be older than what this request has done, so it is read again.
        as_read = end_of(session, now) is None and not _is_repeated(session, amr, now)
        if as_read and _write_step_up(session, amr, now, origin):
            return session
        session = _read_again(session)
        if ended := end_of(session, now):
            raise SessionEnded(ended)
        if _is_repeated(session, amr, now):
            return session
    raise TryAgain("lost three races for one session")


def _is_repeated(session: AuthSession, amr: list[str], now: datetime) -> bool:
    """Whether the session has just been stepped up like this, and not been refreshed since.

    Another jump would refuse the tokens that the answer to the first one has brought. At floor 0
    nothing has jumped: that is a session within the grace after its login.
    """
    at_floor = session.generation == session.floor and session.floor > 0
    fresh = abs(now - session.auth_time) < config.grace_period
    return at_floor and fresh and session.amr == amr


def _write_step_up(session: AuthSession, amr: list[str], now: datetime, origin: Origin) -> bool:
    """Jump, with its audit row; ``False`` if the row has changed since it was read."""
    row, values = _guarded(session, now), _jump(session, now) | {"auth_time": now, "amr": amr}
    if compare_auth_hash(session.user, session.auth_hash) is AuthHash.FALLBACK:
        # A hash that was carried over meanwhile, after a re-hashed password, must not be undone.
        row = row.filter(auth_hash=session.auth_hash)
        values["auth_hash"] = auth_hash(session.user)
    with transaction.atomic(using=write_alias()):
        if not row.update(**values):
            return False
        detail = {"amr": amr}
        record([event_about(EventType.STEP_UP, session, at=now, origin=origin, detail=detail)])
    _follow(session, values)
    return True


def renew_after_password_change(
    session: AuthSession, user: Any, *, origin: Origin = NOWHERE
) -> Tokens:
    """Keep one session through its user's change of password, and end all the others.

    Call it in the transaction that saves the password. The session jumps as at a step-up; its
    ``auth_time`` stays, because a new password proves nothing that the old one did not.

    Args:
        session: the session in which the password was changed.
        user: its user, as saved.
        origin: where the request came from.

    Raises:
        SessionEnded: the session was revoked meanwhile.
        TryAgain: lost three races.
    """
    now = system.now()
    revoke_user_sessions(
        user, reason=RevokedReason.PASSWORD, actor=user, keep=session, origin=origin
    )
    session = _renew(session, user, now)
    keep_history(session, origin)
    record([event_about(EventType.PASSWORD_CHANGED, session, at=now, origin=origin, actor=user)])
    return issue_tokens(session, now, with_refresh=True)


@retry
def _renew(session: AuthSession, user: Any, now: datetime) -> AuthSession:
    new_hash = auth_hash(user)
    for _ in range(ATTEMPTS):
        values = _jump(session, now) | {"auth_hash": new_hash}
        if _guarded(session, now).update(**values):
            _follow(session, values)
            return session
        session = _read_again(session)
        session.auth_hash = new_hash
        if ended := end_of(session, now):
            raise SessionEnded(ended)
    raise TryAgain("lost three races for one session")


def _guarded(session: AuthSession, now: datetime) -> SessionQuerySet:
    """The session's row if it lives, and is of the generation that was read."""
    return AuthSession.objects.using(write_alias()).filter(
        pk=session.pk,
        generation=session.generation,
        revoked_at__isnull=True,
        end_recorded_at__isnull=True,
        expires_at__gt=now,
    )


def _jump(session: AuthSession, now: datetime) -> dict[str, Any]:
    # By two, so that the current token is not even the predecessor of the next.
    target = session.generation + 2
    return {
        "generation": target,
        "floor": target,
        "rotated_at": now,
        "listed_at": now,
        "last_seen_at": now,
        "expires_at": next_end(session, now),
    }


def _follow(session: AuthSession, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(session, name, value)


def _read_again(session: AuthSession) -> AuthSession:
    found = AuthSession.objects.using(write_alias()).with_user().filter(pk=session.pk).first()
    if found is None:
        raise SessionEnded(EndReason.REVOKED)
    return found
