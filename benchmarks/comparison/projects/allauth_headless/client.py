"""How an app talks to django-allauth's headless API."""

from __future__ import annotations

from typing import Any

from benchmarks.comparison.candidate import Candidate, rows_of
from benchmarks.comparison.staff import Staff
from benchmarks.comparison.wire import Answer, Http

__all__ = ["AllauthHeadless"]


class AllauthHeadless(Candidate):
    """The JWT strategy; the tokens of a login are in ``meta``, those of a refresh in ``data``."""

    title = "allauth, headless JWT"
    distribution = "django-allauth"
    configuration = (
        "`HEADLESS_JWT_ROTATE_REFRESH_TOKEN`, `HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED`, "
        "the `usersessions` app; rate limits off, as all requests come from one address"
    )
    staff_way = "delete the user session in the admin"
    login_path = "/_allauth/app/v1/auth/login"
    refresh_path = "/_allauth/app/v1/tokens/refresh"
    access_name = "access_token"
    refresh_name = "refresh_token"

    def revoke(self, staff: Staff, user: Any) -> None:
        """Delete the rows of the ``usersessions`` app, the only sessions that its admin shows."""
        rows = rows_of("usersessions.UserSession").filter(user=user)
        keys = rows.values_list("pk", flat=True)
        staff.act("usersessions/usersession", "delete_selected", keys, post="yes")

    def other_credential(self, http: Http, rows: str) -> str:
        """Try the key of a session, the primary key of its row, as the app's session token."""
        session = rows_of("sessions.Session")
        for key in session.order_by("-expire_date").values_list("pk", flat=True)[:5]:
            headers = {"X-Session-Token": key}
            answer = http.send("GET", "/_allauth/app/v1/auth/session", headers=headers)
            if answer.ok:
                return "the session's key, itself a credential"
        return ""

    def found(self, answer: Answer) -> dict[str, Any]:
        """Look in both places."""
        return {**answer.data.get("data", {}), **answer.data.get("meta", {})}
