"""Which sessions staff should look at, and why: for people, no request is decided by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tokenauth.codes import MANY_LATE, MANY_REPEATS
from tokenauth.models import SUSPICIOUS, AuthSession, RevokedReason

__all__ = ["Suspicion", "suspicions_of", "where_suspicious"]

Rows = TypeVar("Rows", bound="models.QuerySet[AuthSession]")


class Suspicion(models.TextChoices):
    """Why a session is worth a look."""

    REUSE = "reuse", _("refresh token reused")
    LATE = "late", _("late answers in a row")
    REPEATS = "repeats", _("many repeated answers")
    MOVED = "moved", _("address and browser changed at once")


_ROWS: Mapping[str, models.Q] = {
    Suspicion.REUSE: models.Q(revoked_reason=RevokedReason.REUSE),
    Suspicion.LATE: models.Q(late_run__gte=MANY_LATE),
    Suspicion.REPEATS: models.Q(grace_count__gte=MANY_REPEATS),
    Suspicion.MOVED: models.Q(moved_at__isnull=False),
}


def suspicions_of(session: AuthSession) -> list[Suspicion]:
    """Return why a session is worth a look; nothing for most."""
    found = {
        Suspicion.REUSE: session.revoked_reason == RevokedReason.REUSE,
        Suspicion.LATE: session.late_run >= MANY_LATE,
        Suspicion.REPEATS: session.grace_count >= MANY_REPEATS,
        Suspicion.MOVED: session.moved_at is not None,
    }
    return [suspicion for suspicion, holds in found.items() if holds]


def where_suspicious(sessions: Rows, why: str | None = None) -> Rows:
    """Return those of ``sessions`` that are worth a look.

    Args:
        sessions: to choose from.
        why: one :class:`Suspicion`; any for ``None``.
    """
    # Implied by the second condition, and named so that the planner takes the small index of it.
    found = sessions.filter(SUSPICIOUS)
    return found if why is None else found.filter(_ROWS[why])
