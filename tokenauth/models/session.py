"""Sessions, and the history of their refresh tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.db import models
from django.utils.translation import gettext_lazy as _

from tokenauth import system
from tokenauth.codes import MAX_DEVICE, MAX_DEVICE_NAME, MAX_USER_AGENT, SUSPICIOUS, DeviceKind
from tokenauth.protocol import Snapshot

__all__ = ["AuthSession", "RefreshToken", "SessionQuerySet"]


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

    # Not stored: at its login, the user's logins on new devices within the hour, this one included.
    new_devices_lately = 0

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
            # A rare client or kind of device is not found by walking ten million rows. Neither
            # changes after the login.
            models.Index(fields=["client", "-id"], name="tokenauth_session_client"),
            models.Index(fields=["device_kind", "-id"], name="tokenauth_session_kind"),
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

    def visible_user(self) -> Any:
        """Return the user, or ``None`` if the account is gone or softly deleted."""
        return self.user if getattr(self, "user_visible", True) else None


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
