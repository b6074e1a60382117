"""What happens to sessions, in the words of OWASP's Logging Vocabulary Cheat Sheet.

One thing that happens may be several events of the vocabulary: a login is a success, a new session
and new tokens. Each has a level of its own. What the vocabulary has no word for begins with
``tokenauth_``.

The levels are OWASP's but for one: ``session_use_after_expire`` is WARNING and not CRITICAL,
because every client that is opened again after its session's end causes one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from tokenauth.codes import EventType
from tokenauth.texts import clean

__all__ = ["EXPORTED", "NAMES", "ROTATION", "USED_AFTER_END", "Name", "names_of"]

ROTATION = "rotation"
"""A rotation has a line of history and log records, and no row of the audit trail."""

USED_AFTER_END = "used_after_end"
"""So has the use of a session that has ended: a log record each time, and no row."""

EXPORTED = "exported"
"""And the export of a user's data."""


@dataclass(frozen=True, slots=True)
class Name:
    """One event of the vocabulary.

    Attributes:
        event: its name.
        level: of :mod:`logging`.
    """

    event: str
    level: int


_TOKEN_CREATED = Name("authn_token_created", logging.INFO)
_TOKEN_REVOKED = Name("authn_token_revoked", logging.INFO)
_SESSION_RENEWED = Name("session_renewed", logging.INFO)
_SESSION_EXPIRED = Name("session_expired", logging.INFO)
_LOGIN = Name("authn_login_success", logging.INFO)
_BY_STAFF = Name("authz_admin", logging.WARNING)

NAMES: Mapping[str, tuple[Name, ...]] = {
    EventType.LOGIN: (_LOGIN, Name("session_created", logging.INFO), _TOKEN_CREATED),
    EventType.LOGIN_FAILED: (Name("authn_login_fail", logging.WARNING),),
    EventType.THROTTLED: (Name("authn_login_fail_max", logging.WARNING),),
    ROTATION: (_SESSION_RENEWED, _TOKEN_CREATED),
    EventType.STEP_UP: (_LOGIN, _SESSION_RENEWED, _TOKEN_CREATED),
    EventType.PASSWORD_CHANGED: (
        Name("authn_password_change", logging.INFO),
        _SESSION_RENEWED,
        _TOKEN_CREATED,
    ),
    EventType.REVOKED: (_TOKEN_REVOKED, _SESSION_EXPIRED),
    EventType.REUSE: (
        Name("authn_token_reuse", logging.CRITICAL),
        _TOKEN_REVOKED,
        _SESSION_EXPIRED,
    ),
    EventType.EXPIRED: (_SESSION_EXPIRED,),
    USED_AFTER_END: (Name("session_use_after_expire", logging.WARNING),),
    EventType.ERASED: (Name("sensitive_delete", logging.WARNING),),
    EXPORTED: (Name("sensitive_read", logging.WARNING),),
    EventType.DATABASE_BEHIND: (Name("tokenauth_database_behind", logging.CRITICAL),),
    EventType.LATE_ANSWER: (Name("tokenauth_late_answer", logging.INFO),),
    EventType.REPEATED_ELSEWHERE: (Name("tokenauth_repeated_elsewhere", logging.INFO),),
    EventType.MOVED: (Name("tokenauth_moved", logging.INFO),),
    EventType.RENAMED: (Name("tokenauth_renamed", logging.INFO),),
}
"""By what happened: the events that it is, in order."""


def names_of(kind: str, *, by_staff: bool = False) -> tuple[Name, ...]:
    """Return the events of the vocabulary that something which happened is.

    Args:
        kind: a value of :class:`tokenauth.models.EventType`, or what has log records alone. One
            that is not known, because a project records events of its own, is its own name.
        by_staff: whether somebody did it to another.
    """
    names = NAMES.get(kind) or (Name(f"tokenauth_{clean(kind, 32)}", logging.INFO),)
    return (*names, _BY_STAFF) if by_staff else names
