"""The audit trail as structured log records: one for each event of the vocabulary.

The message is one line for people. The same facts are attributes of the record, which any JSON
formatter writes: ``event``, ``type``, ``time``, ``user``, ``actor``, ``session``, ``client``,
``ip``, ``user_agent`` and ``reason``; what is not known is ``None``. No secret, and nothing that
was typed as a user name, is among them. A session's id opens nothing.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from tokenauth import system
from tokenauth.models import AuthEvent, AuthSession, EndReason, EventType, RevokedReason
from tokenauth.origins import NOWHERE, Origin
from tokenauth.texts import clean
from tokenauth.vocabulary import EXPORTED, ROTATION, USED_AFTER_END, names_of

__all__ = ["log_event", "log_export", "log_rotation", "log_use_after_end"]

logger = logging.getLogger("tokenauth.audit")
rotation_logger = logging.getLogger("tokenauth.audit.rotations")
"""Of its own, because a rotation is what happens most: a project may turn it off by its name."""

_LONGEST = 255
_BY_THE_USER = frozenset(
    {EventType.LOGIN, EventType.STEP_UP, EventType.PASSWORD_CHANGED, EventType.RENAMED, ROTATION}
)
_REASONS_BY_THE_USER = frozenset({RevokedReason.LOGOUT, RevokedReason.REPLACED})


def log_event(event: AuthEvent) -> None:
    """Log one row of the audit trail.

    Args:
        event: the row, saved or about to be.
    """
    user, actor = event.user_key, event.actor_key
    by_the_user = event.type in _BY_THE_USER or event.reason in _REASONS_BY_THE_USER
    _log(
        logger,
        event.type,
        at=event.created_at,
        user=user,
        actor=actor or (user if by_the_user else ""),
        session_id=event.session_id,
        client=event.client,
        ip=event.ip,
        user_agent=event.user_agent,
        reason=event.reason,
        by_staff=bool(actor) and actor != user,
    )


def log_rotation(session: AuthSession, origin: Origin) -> None:
    """Log a rotation, whose row is its line of history.

    Args:
        session: as it was written.
        origin: where the request came from.
    """
    if rotation_logger.isEnabledFor(logging.INFO):
        _log_about(rotation_logger, ROTATION, session, session.rotated_at, origin)


def log_use_after_end(session: AuthSession, ended: EndReason, origin: Origin = NOWHERE) -> None:
    """Log that an authentic token of a session came after its end, each time.

    Args:
        session: as it was read.
        ended: how it ended.
        origin: where the request came from, if that is known here.
    """
    _log_about(logger, USED_AFTER_END, session, system.now(), origin, reason=ended)


def log_export(user: Any) -> None:
    """Log that a user's data was exported."""
    _log(logger, EXPORTED, at=system.now(), user=str(user.pk))


def _log_about(
    to: logging.Logger,
    kind: str,
    session: AuthSession,
    at: datetime,
    origin: Origin,
    *,
    reason: str = "",
) -> None:
    user = "" if session.user_id is None else str(session.user_id)
    _log(
        to,
        kind,
        at=at,
        user=user,
        actor=user if kind in _BY_THE_USER else "",
        session_id=session.pk,
        client=session.client,
        ip=origin.ip,
        user_agent=origin.user_agent,
        reason=reason,
    )


def _log(
    to: logging.Logger,
    kind: str,
    *,
    at: datetime,
    user: str,
    actor: str = "",
    session_id: uuid.UUID | None = None,
    client: str = "",
    ip: str | None = None,
    user_agent: str = "",
    reason: str = "",
    by_staff: bool = False,
) -> None:
    # A user's key or a reason may be a text of the project's own.
    facts = {
        name: clean(str(value), _LONGEST) if value else None
        for name, value in {
            "type": kind,
            "user": user,
            "actor": actor,
            "session": session_id,
            "client": client,
            "ip": ip,
            "reason": reason,
        }.items()
    }
    facts["user_agent"] = user_agent or None
    facts["time"] = at.astimezone(UTC).isoformat(timespec="milliseconds")
    for name in names_of(kind, by_staff=by_staff):
        to.log(
            name.level,
            "%s user=%s session=%s reason=%s ip=%s",
            name.event,
            *(facts[key] or "-" for key in ("user", "session", "reason", "ip")),
            extra={"event": name.event, **facts},
        )
