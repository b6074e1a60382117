"""How a client talks to django-rest-knox."""

from __future__ import annotations

import base64
from typing import Any

from benchmarks.comparison.candidate import PASSWORD, Candidate, Reply, Tokens, rows_of
from benchmarks.comparison.staff import Staff
from benchmarks.comparison.wire import Http

__all__ = ["Knox"]


class Knox(Candidate):
    """One token, for everything."""

    title = "knox"
    distribution = "django-rest-knox"
    configuration = "`AUTO_REFRESH` with `AUTO_REFRESH_MAX_TTL`"
    staff_way = "delete the token in the admin"
    rotates = False
    scheme = "Token"
    access_name = "token"

    def login(self, http: Http, username: str) -> Reply:
        """Log in with basic authentication."""
        pair = base64.b64encode(f"{username}:{PASSWORD}".encode()).decode()
        answer = http.send("POST", "/login/", authorization=f"Basic {pair}")
        return self.reply(answer, Tokens("", ""))

    def revoke(self, staff: Staff, user: Any) -> None:
        """Delete the rows."""
        rows = rows_of("knox.AuthToken").filter(user=user)
        keys = rows.values_list("pk", flat=True)
        staff.act("knox/authtoken", "delete_selected", keys, post="yes")
