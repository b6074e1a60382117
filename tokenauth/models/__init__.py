"""Sessions, the history of their refresh tokens, and the audit trail.

The row of a session is all that decides. No row holds a refresh token, nor a digest of one: a
token is recomputed from the row's seed and a key that is not in the database.

No foreign key to a user has a database constraint: a login, a rotation or a revocation that
commits beside the deletion of its user or actor must not fail at commit, because a failed commit
would undo the revocation with it. A session whose user is gone is ended.
"""

from __future__ import annotations

from tokenauth.codes import (
    ALARMS,
    MAX_DEVICE,
    MAX_DEVICE_NAME,
    MAX_USER_AGENT,
    SUSPICIOUS,
    DeviceKind,
    EndReason,
    EventType,
    RevokedReason,
)
from tokenauth.models.session import AuthSession, RefreshToken, SessionQuerySet
from tokenauth.models.trail import AuthEvent, AuthStatistic

__all__ = [
    "ALARMS",
    "MAX_DEVICE",
    "MAX_DEVICE_NAME",
    "MAX_USER_AGENT",
    "SUSPICIOUS",
    "AuthEvent",
    "AuthSession",
    "AuthStatistic",
    "DeviceKind",
    "EndReason",
    "EventType",
    "RefreshToken",
    "RevokedReason",
    "SessionQuerySet",
]
