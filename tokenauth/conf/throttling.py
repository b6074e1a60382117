"""Settings of what bounds guesses and requests."""

from __future__ import annotations

from collections.abc import Mapping

from tokenauth.conf.reader import Reader

__all__ = ["DEFAULT_RATES", "NAMES", "ThrottleSettings"]

NAMES = ("THROTTLE_CACHE", "THROTTLE_RATES")

DEFAULT_RATES: Mapping[str, str | None] = {
    "refresh": "300/min",
    "session": "120/min",
    "refused": "120/min",
}
"""How many requests may come, by what is counted; ``None`` counts nothing."""


class ThrottleSettings(Reader):
    """Limits, and where is counted."""

    @property
    def throttle_cache(self) -> str:
        """``TOKENAUTH_THROTTLE_CACHE``: the alias of the cache that counts, ``"default"``."""
        return self._read("THROTTLE_CACHE", "default")

    @property
    def throttle_rates(self) -> Mapping[str, str | None]:
        """``TOKENAUTH_THROTTLE_RATES``: the limits, those that the setting leaves out as well."""
        return {**DEFAULT_RATES, **self._read("THROTTLE_RATES", {})}
