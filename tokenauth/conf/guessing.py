"""Settings of what slows down who guesses passwords."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from tokenauth.conf.reader import Reader
from tokenauth.tokens.keys import derive_key

__all__ = ["FREE_FAILURES", "NAMES", "AccountKey", "GuessingSettings"]

NAMES = ("GUESSING", "ACCOUNT_KEY")

FREE_FAILURES = {"pair": 5, "account": 20, "address": 30}
"""After how many failures each counter begins to delay."""

AccountKey = Callable[[str], str]


class GuessingSettings(Reader):
    """How many failures are free, and what names an account."""

    @property
    def guessing(self) -> Mapping[str, int] | None:
        """``TOKENAUTH_GUESSING``: how many failures are free, by counter, over the defaults.

        ``None``: nothing is counted and nobody is delayed, because something else does it.
        """
        own: Mapping[str, int] | None = self._read("GUESSING", {})
        return None if own is None else {**FREE_FAILURES, **own}

    @property
    def account_key(self) -> AccountKey | None:
        """``TOKENAUTH_ACCOUNT_KEY``: the function from what is typed to what names the account."""
        path: str | None = self._read("ACCOUNT_KEY", None)
        return cast("AccountKey", import_string(path)) if path else None

    @property
    def guessing_keys(self) -> tuple[bytes, ...]:
        """The keys of the digests that stand for names and addresses; the first makes them."""
        secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return tuple(derive_key(secret, "guessing") for secret in secrets)
