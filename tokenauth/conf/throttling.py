"""Settings of what bounds guesses and requests."""

from __future__ import annotations

from tokenauth.conf.reader import Reader

__all__ = ["NAMES", "ThrottleSettings"]

NAMES = ("THROTTLE_CACHE",)


class ThrottleSettings(Reader):
    """Limits, and where is counted."""

    @property
    def throttle_cache(self) -> str:
        """``TOKENAUTH_THROTTLE_CACHE``: the alias of the cache that counts, ``"default"``."""
        return self._read("THROTTLE_CACHE", "default")
