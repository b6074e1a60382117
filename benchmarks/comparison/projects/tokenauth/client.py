"""How an app talks to this package."""

from __future__ import annotations

from typing import Any

from benchmarks.comparison.candidate import Candidate
from benchmarks.comparison.staff import Staff
from tokenauth.conf import config
from tokenauth.models import AuthSession

__all__ = ["TokenAuth"]


class TokenAuth(Candidate):
    """The client ``app``, which has its refresh token in the body."""

    title = "tokenauth"
    distribution = "django-tokenauth"
    configuration = "no setting at all"
    staff_way = "the action `revoke_selected` in the admin"
    quiet = config.grace_period.total_seconds()
    grace = quiet
    login_path = "/auth/login/"
    refresh_path = "/auth/refresh/"
    login_extra = {"client": "app"}

    def revoke(self, staff: Staff, user: Any) -> None:
        """Select the user's sessions, run the admin's action and answer its question."""
        keys = AuthSession.objects.filter(user=user).values_list("pk", flat=True)
        staff.act("tokenauth/authsession", "revoke_selected", keys, confirmed="yes", reason="lost")
