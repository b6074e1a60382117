"""How a client talks to a project with drf-sessions."""

from __future__ import annotations

from typing import Any

from benchmarks.comparison.candidate import Candidate, rows_of
from benchmarks.comparison.staff import Staff

__all__ = ["DrfSessions"]


class DrfSessions(Candidate):
    """The views of the package's README."""

    title = "drf-sessions"
    distribution = "drf-sessions"
    configuration = "its defaults, and the two views of its README"
    staff_way = "the action `revoke_sessions` in the admin"
    login_path = "/login/"
    refresh_path = "/refresh/"

    def revoke(self, staff: Staff, user: Any) -> None:
        """Select the user's sessions and run the admin's action."""
        rows = rows_of("drf_sessions.Session").filter(user=user)
        keys = rows.values_list("pk", flat=True)
        staff.act("drf_sessions/session", "revoke_sessions", keys)
