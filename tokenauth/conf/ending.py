"""Settings of what ends sessions, and of who may end them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, get_args

from tokenauth.conf.reader import Reader

__all__ = ["ACCOUNT_CHANGES", "NAMES", "AccountChange", "EndingSettings"]

NAMES = ("END_SESSIONS_ON", "REVOKE_MAX_AGE")

AccountChange = Literal["email", "permissions"]

ACCOUNT_CHANGES: tuple[AccountChange, ...] = get_args(AccountChange)
"""What ``TOKENAUTH_END_SESSIONS_ON`` may name."""


class EndingSettings(Reader):
    """Changes of the account, and proofs."""

    @property
    def end_sessions_on(self) -> tuple[AccountChange, ...]:
        """``TOKENAUTH_END_SESSIONS_ON``: which changes of an account end its sessions, none."""
        named: Sequence[AccountChange] = self._read("END_SESSIONS_ON", ())
        return tuple(named)

    @property
    def revoke_max_age(self) -> timedelta | None:
        """``TOKENAUTH_REVOKE_MAX_AGE``: how old the proof may be of who ends other sessions.

        ``None``: as old as the session.
        """
        return self._read("REVOKE_MAX_AGE", None)
