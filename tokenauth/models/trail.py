"""The audit trail, and what is counted for the overview."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.checks import CheckMessage
from django.db import models
from django.utils.translation import gettext_lazy as _

from tokenauth.codes import ALARMS, MAX_USER_AGENT

__all__ = ["AuthEvent", "AuthStatistic"]


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

    client = ""
    """Of which client it is: for the log record, no column."""

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
