"""The domain: everything that can happen to a session, as plain functions.

``start_session`` opens one, :func:`~tokenauth.rotation.rotate` keeps it going,
:func:`~tokenauth.stepup.step_up` proves it anew, and
:func:`~tokenauth.revocation.revoke_session` and
:func:`~tokenauth.revocation.revoke_user_sessions` end it. Endpoints, admin, commands and
middleware are entrances to these functions and hold no rule of their own. No requests, no DRF.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from tokenauth import system
from tokenauth.accounts import auth_hash, carry_over, end_of
from tokenauth.audit import (
    NOWHERE,
    Origin,
    clean,
    event_about,
    keep_history,
    make_event,
    record,
    record_if_possible,
)
from tokenauth.bulk import Target, count_matching, revoke_matching
from tokenauth.conf import Client, config
from tokenauth.database import after_commit, write_alias
from tokenauth.devices import UNKNOWN
from tokenauth.exceptions import AccountUnusable
from tokenauth.issuing import Tokens, find_sessions, issue_tokens, next_end
from tokenauth.limits import end_oldest
from tokenauth.models import MAX_DEVICE_NAME, AuthSession, EventType, RevokedReason
from tokenauth.moves import new_devices_lately
from tokenauth.revocation import (
    announce,
    forget_user,
    mark_revoked,
    revoke_session,
    revoke_sessions,
    revoke_user_sessions,
)
from tokenauth.rotation import confirm, confirm_use, rotate
from tokenauth.signals import session_started
from tokenauth.stepup import renew_after_password_change, step_up

__all__ = [
    "MAX_LISTED",
    "NOWHERE",
    "Origin",
    "Target",
    "Tokens",
    "active_sessions",
    "carry_over",
    "confirm",
    "confirm_use",
    "count_matching",
    "find_own_session",
    "find_sessions",
    "forget_user",
    "record_failed_login",
    "rename_session",
    "renew_after_password_change",
    "revoke_matching",
    "revoke_session",
    "revoke_sessions",
    "revoke_user_sessions",
    "rotate",
    "start_session",
    "step_up",
]

MAX_LISTED = 100
"""So many of a user's sessions are listed at most, the newest first."""


def start_session(
    user: Any,
    *,
    client: str | None = None,
    remember: bool = True,
    device_name: str = "",
    amr: Sequence[str] = (),
    origin: Origin = NOWHERE,
    replaces: Sequence[AuthSession] = (),
    before_commit: Callable[[AuthSession], None] | None = None,
) -> Tokens:
    """Start a session for a user who has proved who they are, and return its first tokens.

    Once it is committed, the user's oldest sessions of the client are ended if there are now more
    than its ``limit``. May be called inside the caller's transaction; the tokens are good once
    that commits.

    Args:
        user: an active user.
        client: one of ``TOKENAUTH_CLIENTS``; the first for ``None``. It decides the transport and
            the lifetimes. This function serves those with ``login: False`` too.
        remember: whether a browser keeps the cookie when it closes.
        device_name: what the user calls the device; at most 100 characters are kept.
        amr: how the user proved it (RFC 8176), for the access tokens.
        origin: where the request came from.
        replaces: sessions that this one takes the place of. They end with reason ``replaced``,
            after the new one exists.
        before_commit: called with the session inside the transaction; if it raises, there was
            no login.

    Raises:
        AccountUnusable: the user is not active or not saved.
        UnknownClient: no such client.
    """
    entry = config.client(client)
    if user.pk is None or not getattr(user, "is_active", True):
        raise AccountUnusable("the account is not active")
    alias, now = write_alias(), system.now()
    session = _new_session(user, entry, now, origin)
    session.persistent = remember
    session.device_name = clean(device_name, MAX_DEVICE_NAME)
    session.amr = list(amr)
    with transaction.atomic(using=alias):
        session.save(using=alias, force_insert=True)
        keep_history(session, origin)
        events = [event_about(EventType.LOGIN, session, at=now, origin=origin)]
        replaced = [row for row in replaces if _replace(row, now)]
        events += [_replaced_event(row, now, origin) for row in replaced]
        record(events)
        if before_commit is not None:
            before_commit(session)
    if replaced:
        announce(replaced, len(replaced), None, RevokedReason.REPLACED, None)
    after_commit(
        lambda: session_started.send_robust(sender=AuthSession, session=session, user=user), alias
    )
    if entry.limit is not None:
        after_commit(lambda: end_oldest(user, entry, origin=origin), alias)
    return issue_tokens(session, now, with_refresh=True)


def _new_session(user: Any, client: Client, now: datetime, origin: Origin) -> AuthSession:
    device = origin.device or UNKNOWN
    session = AuthSession(
        user=user,
        client=client.name,
        transport=client.transport,
        seed=system.random_bytes(32),
        auth_hash=auth_hash(user),
        auth_time=now,
        rotated_at=now,
        created_at=now,
        last_seen_at=now,
        absolute_expires_at=now + client.absolute_lifetime,
        first_ip=origin.ip,
        last_ip=origin.ip,
        first_user_agent=origin.user_agent,
        last_user_agent=origin.user_agent,
        device=device.label,
        device_kind=device.kind,
    )
    if origin != NOWHERE:
        session.new_devices_lately = new_devices_lately(user, origin.device, now)
        session.new_device = session.new_devices_lately > 0
    session.expires_at = next_end(session, now)
    return session


def _replace(session: AuthSession, now: datetime) -> bool:
    rows = AuthSession.objects.using(write_alias()).filter(pk=session.pk)
    if not mark_revoked(rows, now, reason=RevokedReason.REPLACED):
        return False
    session.revoked_at, session.revoked_reason = now, RevokedReason.REPLACED
    return True


def _replaced_event(session: AuthSession, now: datetime, origin: Origin) -> Any:
    reason = RevokedReason.REPLACED
    return event_about(EventType.REVOKED, session, at=now, origin=origin, reason=reason)


def record_failed_login(
    *,
    client: str,
    origin: Origin = NOWHERE,
    session: AuthSession | None = None,
    user: Any = None,
) -> None:
    """Write the audit row of a login that failed, or of a wrong password for a step-up.

    What was typed as a user name is not kept: it is now and then a password.

    Args:
        client: which client was asked for.
        origin: where the request came from.
        session: the session that was to be stepped up; its user is known.
        user: whose login it was, if the first step has shown that.
    """
    facts: dict[str, Any] = {"at": system.now(), "origin": origin, "detail": {"client": client}}
    if session is None:
        key = getattr(user, "pk", None)
        record([make_event(EventType.LOGIN_FAILED, user_id=key, client=client, **facts)])
    else:
        record([event_about(EventType.LOGIN_FAILED, session, **facts)])


def active_sessions(user: Any) -> list[AuthSession]:
    """Return a user's living sessions, the newest first, at most 100."""
    now = system.now()
    rows = (
        AuthSession.objects.using(write_alias())
        .with_user()
        .filter(user_id=user.pk, revoked_at__isnull=True, expires_at__gt=now)
        .order_by("-created_at")
    )
    return [session for session in rows[:MAX_LISTED] if end_of(session, now) is None]


def find_own_session(user: Any, session_id: uuid.UUID) -> AuthSession | None:
    """Return one living session of a user, or ``None``: also if it is another user's."""
    rows = AuthSession.objects.using(write_alias()).with_user()
    session = rows.filter(pk=session_id, user_id=user.pk).first()
    if session is None or end_of(session, system.now()) is not None:
        return None
    return session


def rename_session(session: AuthSession, device_name: str, *, origin: Origin = NOWHERE) -> None:
    """Give a session the name that its user has for the device; 100 characters at most.

    Whoever has stolen an access token could give their session the name of a device that the user
    knows, so it is recorded: that it was renamed, not how.

    Args:
        session: the session.
        device_name: its new name.
        origin: where the request came from.
    """
    session.device_name = clean(device_name, MAX_DEVICE_NAME)
    rows = AuthSession.objects.using(write_alias()).filter(pk=session.pk)
    rows.update(device_name=session.device_name)
    record_if_possible(event_about(EventType.RENAMED, session, at=system.now(), origin=origin))
