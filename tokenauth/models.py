"""Sessions, the history of their refresh tokens, and the audit trail.

The row of a session is all that decides. No row holds a refresh token, nor a digest of one: a
token is recomputed from the row's seed and a key that is not in the database.

No foreign key to a user has a database constraint: a login, a rotation or a revocation that
commits beside the deletion of its user or actor must not fail at commit, because a failed commit
would undo the revocation with it. A session whose user is gone is ended.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.db import models
from django.utils.translation import gettext_lazy as _

from tokenauth import system
from tokenauth.protocol import Snapshot

__all__ = [
    "ALARMS",
    "MANY_REPEATS",
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
]

MAX_DEVICE = 80
MAX_DEVICE_NAME = 100
MAX_USER_AGENT = 400
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
    REUSE = "reuse"


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
    | models.Q(late_generation__gt=0)
    | models.Q(grace_count__gte=MANY_REPEATS)
    | models.Q(moved_at__isnull=False)
)
"""Sessions that staff should look at: reuse, late answers, many repeated answers, and a change of
address and browser at once. The condition of an index, which no plain rotation touches."""


class SessionQuerySet(models.QuerySet["AuthSession"]):
    """Look-ups of sessions."""

    def with_user(self) -> SessionQuerySet:
        """Load each session with its user, in one query.

        A user that the user model's default manager does not find counts as gone: a project
        that deletes softly hides its users there, and only there.
        """
        users = get_user_model()._default_manager.using(self.db).all()
        sessions = self.select_related("user")
        if not users.query.where:
            return sessions
        visible = models.Exists(users.filter(pk=models.OuterRef("user_id")))
        return sessions.annotate(user_visible=visible)


class AuthSession(models.Model):
    """One login on one device.

    Times are aware; ``expires_at`` is the effective end, idle or absolute, whichever is first.
    ``listed_at`` is when access tokens that are out last became doubtful: by a revocation, a
    step-up or a change of the account. What verifies them without a query lists it from there.
    """

    id = models.UUIDField(primary_key=True, default=system.new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="auth_sessions",
        verbose_name=_("user"),
    )
    client = models.CharField(_("client"), max_length=64)
    transport = models.CharField(_("transport"), max_length=8)
    persistent = models.BooleanField(_("kept when the browser closes"), default=True)
    device_name = models.CharField(_("device name"), max_length=MAX_DEVICE_NAME, blank=True)
    device = models.CharField(_("device"), max_length=MAX_DEVICE, blank=True)
    device_kind = models.CharField(
        _("kind of device"), max_length=8, choices=DeviceKind, default="", blank=True
    )
    new_device = models.BooleanField(_("new device"), default=False)

    seed = models.BinaryField(max_length=32, editable=False)
    generation = models.PositiveIntegerField(_("rotations"), default=0)
    confirmed_generation = models.IntegerField(default=-1)
    floor = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField(_("last rotation"))
    late_generation = models.PositiveIntegerField(default=0)
    late_run = models.PositiveSmallIntegerField(default=0)
    grace_count = models.PositiveIntegerField(_("repeated answers"), default=0)

    created_at = models.DateTimeField(_("created"))
    last_seen_at = models.DateTimeField(_("last seen"))
    # No index: every rotation moves it, and PostgreSQL then rewrites no index at all (HOT).
    expires_at = models.DateTimeField(_("expires"))
    absolute_expires_at = models.DateTimeField(_("expires at the latest"), db_index=True)

    auth_time = models.DateTimeField(_("authenticated"))
    amr = models.JSONField(_("authentication methods"), default=list, blank=True)
    auth_hash = models.CharField(max_length=128, editable=False)

    first_ip = models.GenericIPAddressField(_("first address"), null=True)
    last_ip = models.GenericIPAddressField(_("last address"), null=True)
    first_user_agent = models.CharField(_("first browser"), max_length=MAX_USER_AGENT, blank=True)
    last_user_agent = models.CharField(_("last browser"), max_length=MAX_USER_AGENT, blank=True)

    moves = models.PositiveIntegerField(_("changes of address or browser"), default=0)
    moved_at = models.DateTimeField(_("address and browser changed at once"), null=True)

    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_reason = models.CharField(_("reason"), max_length=32, blank=True)
    revoked_note = models.CharField(_("note"), max_length=200, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("revoked by"),
    )
    end_recorded_at = models.DateTimeField(null=True)
    listed_at = models.DateTimeField(null=True, db_index=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("revoke_authsession", _("Can revoke sessions")),
            ("revoke_everyone_authsession", _("Can revoke the sessions of everyone")),
            ("revoke_superuser_authsession", _("Can revoke sessions of superusers")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at"], name="tokenauth_session_user"),
            models.Index(fields=["first_ip"], name="tokenauth_session_first_ip"),
            models.Index(fields=["last_ip"], name="tokenauth_session_last_ip"),
            models.Index(
                fields=["revoked_reason", "-id"],
                condition=models.Q(revoked_at__isnull=False),
                name="tokenauth_session_revoked",
            ),
            models.Index(fields=["-id"], condition=SUSPICIOUS, name="tokenauth_session_suspicious"),
            models.Index(
                fields=["-id"], condition=models.Q(new_device=True), name="tokenauth_session_new"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def check(cls, **kwargs: Any) -> list[CheckMessage]:
        """Check as Django does, but for one warning.

        MariaDB has no partial indexes. The admin's filters are slower there, nothing else, and a
        project could do nothing about it.
        """
        return [found for found in super().check(**kwargs) if found.id != "models.W037"]

    def snapshot(self) -> Snapshot:
        """Return what the decision about a refresh token depends on."""
        return Snapshot(
            generation=self.generation,
            confirmed_generation=self.confirmed_generation,
            floor=self.floor,
            rotated_at=self.rotated_at,
            late_generation=self.late_generation,
            late_run=self.late_run,
        )

    def live_user(self) -> Any:
        """Return the user, or ``None`` if the account is gone, softly deleted or not active."""
        user = self.user
        if user is None or not getattr(self, "user_visible", True):
            return None
        return user if getattr(user, "is_active", True) else None


class RefreshToken(models.Model):
    """That a generation was issued, when and to whom: history for people.

    No security decision reads it; rows may be missing and can be pruned at any time.
    """

    session = models.ForeignKey(
        AuthSession,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="refresh_tokens",
        verbose_name=_("session"),
    )
    generation = models.PositiveIntegerField(_("generation"))
    issued_at = models.DateTimeField(_("issued"))
    ip = models.GenericIPAddressField(_("address"), null=True)
    user_agent = models.CharField(_("browser"), max_length=MAX_USER_AGENT, blank=True)

    class Meta:
        verbose_name = _("refresh token")
        verbose_name_plural = _("refresh tokens")
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "generation"], name="tokenauth_token_generation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.session_id} #{self.generation}"


class AuthEvent(models.Model):
    """One line of the audit trail. Never changed, and it outlives its session and its user."""

    created_at = models.DateTimeField(_("time"))
    type = models.CharField(_("event"), max_length=32)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("user"),
    )
    user_key = models.CharField(_("user key"), max_length=255, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("actor"),
    )
    actor_key = models.CharField(_("actor key"), max_length=255, blank=True)
    session_id: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        _("session"), null=True, db_index=True
    )
    ip = models.GenericIPAddressField(_("address"), null=True)
    user_agent = models.CharField(_("browser"), max_length=MAX_USER_AGENT, blank=True)
    reason = models.CharField(_("reason"), max_length=32, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ("view",)
        # Each in the order of the list, so that a page of it is read from an index and not sorted.
        indexes: ClassVar = [
            # With the key, which is all that is left of a user who was deleted.
            models.Index(fields=["user", "user_key"], name="tokenauth_event_user"),
            models.Index(fields=["-created_at", "-id"], name="tokenauth_event_time"),
            models.Index(fields=["type", "-created_at", "-id"], name="tokenauth_event_type"),
            models.Index(fields=["reason", "-created_at", "-id"], name="tokenauth_event_reason"),
            models.Index(fields=["ip", "-created_at", "-id"], name="tokenauth_event_ip"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=models.Q(type__in=ALARMS),
                name="tokenauth_event_alarm",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.created_at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def check(cls, **kwargs: Any) -> list[CheckMessage]:
        """Check as for a session: MariaDB then finds alarms by their type."""
        return [found for found in super().check(**kwargs) if found.id != "models.W037"]


class AuthStatistic(models.Model):
    """How often something happened in one hour, for the overview: history for people.

    What ``measure`` may be and what ``key`` then is, :mod:`tokenauth.statistics` says. Nobody is
    named but the users with the most sessions, by their keys and in the newest hour alone.
    """

    hour = models.DateTimeField(_("hour"))
    measure = models.CharField(_("measure"), max_length=32)
    key = models.CharField(_("key"), max_length=255, blank=True)
    count = models.BigIntegerField(_("count"))

    class Meta:
        verbose_name = _("statistic")
        verbose_name_plural = _("statistics")
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["hour", "measure", "key"], name="tokenauth_statistic_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.hour:%Y-%m-%d %H:%M}"
