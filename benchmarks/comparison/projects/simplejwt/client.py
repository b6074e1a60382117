"""How a client talks to djangorestframework-simplejwt."""

from __future__ import annotations

from typing import Any

from benchmarks.comparison.candidate import Candidate, rows_of
from benchmarks.comparison.staff import Staff

__all__ = ["SimpleJWT"]


class SimpleJWT(Candidate):
    """Rotation with the blacklist app."""

    title = "simplejwt"
    distribution = "djangorestframework-simplejwt"
    configuration = (
        "`ROTATE_REFRESH_TOKENS`, `BLACKLIST_AFTER_ROTATION` with the blacklist app, "
        "`CHECK_REVOKE_TOKEN`, `UPDATE_LAST_LOGIN`"
    )
    staff_way = "add a blacklist entry in the admin, the package's own way"
    login_path = "/token/"
    refresh_path = "/token/refresh/"

    def revoke(self, staff: Staff, user: Any) -> None:
        """Blacklist each of the user's tokens that is not on the list, by the admin's form."""
        tokens = rows_of("token_blacklist.OutstandingToken")
        for token in tokens.filter(user=user, blacklistedtoken=None):
            path = "/admin/token_blacklist/blacklistedtoken/add/"
            staff.submit(path, {"token": str(token.pk)})
