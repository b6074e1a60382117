"""Which sessions are in a state, or of a time: what lists of them are narrowed by.

A table of sessions is large, and ``expires_at`` and ``last_seen_at`` have no index, because every
rotation moves them. But ids are ordered by time, so the primary key is an index of the creation;
and whatever a condition says about the end or the last use of a session says something about its
creation too. Each function names that as well, and the walk begins where the first row can be.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tokenauth import system
from tokenauth.conf import config
from tokenauth.models import AuthSession

__all__ = [
    "State",
    "created_between",
    "has_column",
    "in_state",
    "not_seen_since",
    "seen_since",
]

Rows = TypeVar("Rows", bound="models.QuerySet[AuthSession]")

_MARGIN = timedelta(minutes=1)
"""An id is made a moment after the time that ``created_at`` says, on a busy machine later."""


class State(models.TextChoices):
    """How a session stands, as staff look for it."""

    ACTIVE = "active", pgettext_lazy("session", "active")
    IDLE = "idle", _("idle-expired")
    EXPIRED = "expired", _("expired")
    REVOKED = "revoked", _("revoked")


def in_state(sessions: Rows, state: str, now: datetime) -> Rows:
    """Return those of ``sessions`` in a :class:`State`.

    The rule is that of :func:`~tokenauth.accounts.end_of`, but for what no database can compare:
    a session from before a change of password counts as active here.

    Args:
        sessions: to choose from.
        state: one :class:`State`.
        now: the time to judge by.
    """
    if state == State.REVOKED:
        return sessions.filter(revoked_at__isnull=False)
    sessions = sessions.filter(revoked_at__isnull=True)
    if state == State.ACTIVE:
        usable = models.Q(user_id__isnull=False, end_recorded_at__isnull=True, expires_at__gt=now)
        return sessions.filter(usable & _account_is_active())
    over = models.Q(expires_at__lte=now) | models.Q(end_recorded_at__isnull=False)
    if state == State.EXPIRED:
        # The second is implied, and has an index.
        ended = models.Q(expires_at__gte=models.F("absolute_expires_at"))
        return sessions.filter(over, ended, absolute_expires_at__lte=now + _MARGIN)
    oldest = now - _shortest_idle_lifetime() + _MARGIN
    idle = models.Q(expires_at__lt=models.F("absolute_expires_at"))
    return sessions.filter(over, idle, pk__lt=system.first_id(oldest + _MARGIN))


def created_between(
    sessions: Rows, first: datetime | None = None, last: datetime | None = None
) -> Rows:
    """Return the sessions that began at ``first`` or later, and before ``last``."""
    if first is not None:
        sessions = sessions.filter(pk__gte=system.first_id(first), created_at__gte=first)
    if last is not None:
        sessions = sessions.filter(pk__lt=system.first_id(last + _MARGIN), created_at__lt=last)
    return sessions


def seen_since(sessions: Rows, at: datetime) -> Rows:
    """Return the sessions that were used at this time or later."""
    return sessions.filter(last_seen_at__gte=at)


def not_seen_since(sessions: Rows, at: datetime) -> Rows:
    """Return the sessions that were last used before this time, and so began before it."""
    return sessions.filter(pk__lt=system.first_id(at + _MARGIN), last_seen_at__lt=at)


def _shortest_idle_lifetime() -> timedelta:
    return min([config.idle_lifetime, *(one.idle_lifetime for one in config.clients.values())])


def has_column(name: str) -> bool:
    """Return whether the project's users have a field of this name that a query can ask for."""
    try:
        get_user_model()._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _account_is_active() -> models.Q:
    """Return the condition on the user, if the project's users can be deactivated in a column."""
    return models.Q(user__is_active=True) if has_column("is_active") else models.Q()
