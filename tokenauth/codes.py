"""The codes that rows are marked with, how long their texts are, and which deserve a look."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = [
    "ALARMS",
    "MANY_LATE",
    "MANY_REPEATS",
    "MAX_DEVICE",
    "MAX_DEVICE_NAME",
    "MAX_USER_AGENT",
    "SUSPICIOUS",
    "DeviceKind",
    "EndReason",
    "EventType",
    "RevokedReason",
]

MAX_DEVICE = 80
MAX_DEVICE_NAME = 100
MAX_USER_AGENT = 400

MANY_LATE = 2
"""So many late answers in a row are worth a look: one is a bad connection."""

MANY_REPEATS = 100
"""So many repeated answers in one session are worth a look."""


class RevokedReason:
    """Why a session was revoked. A project may store words of its own beside these."""

    LOGOUT = "logout"
    REPLACED = "replaced"
    USER = "user"
    ADMIN = "admin"
    ACCOUNT = "account"
    PASSWORD = "password"  # noqa: S105 - a reason, no password
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    EMAIL = "email"
    PERMISSIONS = "permissions"
    LIMIT = "limit"
    REUSE = "reuse"
    REPORTED = "reported"


class EndReason(models.TextChoices):
    """How a session ended, as coarsely as its holder is told."""

    LOGOUT = "logout", _("logout")
    REVOKED = "revoked", _("revoked")
    EXPIRED = "expired", _("expired")
    ACCOUNT = "account", _("account changed")
    REUSE = "reuse", _("refresh token reused")


class EventType(models.TextChoices):
    """What an audit row is about."""

    LOGIN = "login", _("login")
    LOGIN_FAILED = "login_failed", _("failed login")
    STEP_UP = "step_up", _("step-up")
    REVOKED = "revoked", _("session revoked")
    REUSE = "reuse", _("refresh token reused")
    EXPIRED = "expired", _("session expired")
    DATABASE_BEHIND = "database_behind", _("database behind a token")
    LATE_ANSWER = "late_answer", _("late answer")
    REPEATED_ELSEWHERE = "repeated_elsewhere", _("answer repeated elsewhere")
    MOVED = "moved", _("address or browser changed")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    RENAMED = "renamed", _("device renamed")
    ERASED = "erased", _("personal data erased")
    THROTTLED = "throttled", _("guesses slowed down")


ALARMS = (EventType.REUSE, EventType.DATABASE_BEHIND)
"""Events that somebody should look at. The condition of an index."""


class DeviceKind(models.TextChoices):
    """What a session runs on, as far as its user agent says."""

    DESKTOP = "desktop", _("desktop")
    PHONE = "phone", _("phone")
    TABLET = "tablet", _("tablet")
    OTHER = "other", _("other")


SUSPICIOUS = (
    models.Q(revoked_reason=RevokedReason.REUSE)
    | models.Q(late_run__gte=MANY_LATE)
    | models.Q(grace_count__gte=MANY_REPEATS)
    | models.Q(moved_at__isnull=False)
)
"""Sessions that staff should look at: reuse, late answers in a row, many repeated ones, and a
change of address and browser at once. The condition of an index; no plain rotation touches it."""
