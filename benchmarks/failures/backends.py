"""A project's own way to lock a user."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

__all__ = ["LOCKED", "LockedByStaff"]

LOCKED = "locked"
"""What staff write into a field of the user."""


class LockedByStaff(ModelBackend):
    """Django's backend, for which a field of the user's row locks them."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether the user may log in."""
        return super().user_can_authenticate(user) and user.last_name != LOCKED
