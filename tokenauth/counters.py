"""The counters that throttle: in Django's cache, so that all processes share them.

The cache is the one that ``TOKENAUTH_THROTTLE_CACHE`` names. While it is out of order, each
process counts in a memory of its own: somebody who guesses then has as many tries as there are
processes, users log in as before, and the log says so. Nothing is ever refused, nor let through
unseen, because a cache is down. It is asked again after a few seconds, by one request: a cache that
hangs holds up that one, and not the site.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from tokenauth import system
from tokenauth.conf import config

__all__ = ["Counters", "counters"]

logger = logging.getLogger("tokenauth.throttling")

T = TypeVar("T")

_SAID_EVERY = 60.0
"""Seconds between two lines in the log about one outage."""
_ASKED_EVERY = 5.0
"""Seconds for which a cache that failed is left alone."""


class Counters:
    """A few operations of the cache, each done in this process's memory if the cache fails."""

    def __init__(self) -> None:
        self._own = LocMemCache("tokenauth-counters", {"OPTIONS": {"MAX_ENTRIES": 100_000}})
        self._said: float | None = None
        self._asked_again: float | None = None  # only while it is down

    def get_many(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return what is known of these keys, in one operation."""
        return self._do(lambda cache: cache.get_many(keys))

    def set_many(self, values: Mapping[str, Any], seconds: float) -> None:
        """Set these for so long, in one operation."""
        self._do(lambda cache: cache.set_many(dict(values), seconds))

    def add(self, key: str, value: Any, seconds: float) -> bool:
        """Set a key that is not there; return whether this call did. Atomic among processes."""
        return self._do(lambda cache: cache.add(key, value, seconds))

    def increase(self, key: str, seconds: float) -> int:
        """Add one to a number and return it; it begins at 0 and lives for so long from then.

        Atomic among processes; one operation, and two or three for a key that is not there.
        """
        return self._do(lambda cache: _increase(cache, key, seconds))

    def keep(self, key: str, seconds: float) -> None:
        """Have a key live for so long from now, if it is there."""
        self._do(lambda cache: cache.touch(key, seconds))

    def delete_many(self, keys: Sequence[str]) -> None:
        """Forget these, in one operation."""
        self._do(lambda cache: cache.delete_many(keys))

    def clear_own(self) -> None:
        """Forget what this process counted while the cache was down. For tests."""
        self._own.clear()
        self._said = self._asked_again = None

    def _do(self, operation: Callable[[BaseCache], T]) -> T:
        if self._asked_again is not None:
            if system.monotonic() < self._asked_again:
                return operation(self._own)
            self._asked_again = system.monotonic() + _ASKED_EVERY  # this one asks, no other does
        try:
            result = operation(caches[config.throttle_cache])
        except Exception as error:  # noqa: BLE001 - each cache has its own, and a login must go on
            self._asked_again = system.monotonic() + _ASKED_EVERY
            self._say(error)
            return operation(self._own)
        self._asked_again = None
        return result

    def _say(self, error: Exception) -> None:
        now = system.monotonic()
        if self._said is None or now - self._said >= _SAID_EVERY:
            self._said = now
            # Without the traceback: its frames may hold what somebody typed as a user name.
            logger.error(
                "the cache is down, each process counts by itself: %s", type(error).__name__
            )


def _increase(cache: BaseCache, key: str, seconds: float) -> int:
    for _ in range(3):
        try:
            return int(cache.incr(key))
        except ValueError:
            if cache.add(key, 1, seconds):
                return 1
    return 1  # it expires as fast as it is made: such a cache counts nothing


counters = Counters()
