"""One counter of failures, in the cache.

Five numbers. ``n``: all failures there were; it only grows, atomically. ``forgiven``: so many of
them count no more. ``last``: when the last one was. And ``n`` and ``forgiven`` of what this very
spelling of the user name has failed, because a success forgives no more than that: the names
``Ada`` and ``ada`` may be two accounts that share a counter, and whoever owns one of them must not
clear it for guesses at the other.

Nothing is ever set back, so no failure that is counted beside a success is lost. ``forgiven``
above ``n`` is left over from an ``n`` that the cache has dropped, and stands for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokenauth.counters import counters
from tokenauth.guessing.limits import Limit
from tokenauth.guessing.names import digest

__all__ = ["Failures"]

_CLAIMED = 60.0
"""Seconds for which a turn is taken, if the process that took it dies."""


class _Number:
    """How many failures there were, and how many of them are forgiven."""

    def __init__(self, key: str) -> None:
        self.key, self.forgiven_key = f"{key}.n", f"{key}.forgiven"
        self.all = self.forgiven = 0
        self.is_stale = False

    def read(self, values: Mapping[str, Any]) -> None:
        self.all = int(values.get(self.key, 0))
        self.forgiven = int(values.get(self.forgiven_key, 0))
        self.is_stale = self.forgiven > self.all
        if self.is_stale:
            self.forgiven = 0

    @property
    def open(self) -> int:
        return self.all - self.forgiven


class Failures:
    """A counter of failed guesses, and how long it makes the next one wait.

    Args:
        limit: its rule.
        kind: what is guessed.
        whose: what it is for: an account, an address, or both.
        spelling: the user name as it was typed.
    """

    def __init__(self, limit: Limit, kind: str, whose: tuple[str, ...], spelling: str) -> None:
        self.limit = limit
        key = digest("failures", kind, limit.name, *whose)
        self._number = _Number(f"tokenauth:guess:{key}")
        self._same = _Number(
            f"tokenauth:guess:{digest('spelled', kind, limit.name, *whose, spelling)}"
        )
        self._last_key = f"tokenauth:guess:{key}.last"
        self._claim_key = f"tokenauth:guess:{key}.turn"
        self._last = 0

    @property
    def keys(self) -> list[str]:
        """What :meth:`read` needs of the cache."""
        numbers = (self._number, self._same)
        return [self._last_key, *(key for each in numbers for key in (each.key, each.forgiven_key))]

    def read(self, values: Mapping[str, Any]) -> None:
        """Take what the cache knows."""
        self._number.read(values)
        self._same.read(values)
        self._last = int(values.get(self._last_key, 0))

    @property
    def delay(self) -> int:
        """Seconds that must pass since the last failure; 0 while failures are free."""
        return self.limit.delay(self._number.open)

    def wait(self, now: int) -> int:
        """Return how many milliseconds of the delay are left.

        Args:
            now: in milliseconds, as everything that is kept. A last failure that is in the future
                was seen by a host whose clock is ahead.
        """
        return max(0, self.delay * 1000 - max(0, now - self._last))

    def take_turn(self) -> bool:
        """Take the one guess that is allowed after this delay; return whether it was still free.

        Without it, all that arrive at the end of one delay would be looked at.
        """
        return counters.add(self._turn, 1, _CLAIMED)

    def give_back(self) -> None:
        """Leave the turn to others: it was taken, and another counter refused."""
        counters.delete_many([self._turn])

    @property
    def _turn(self) -> str:
        return f"{self._claim_key}.{self._number.all}"

    def marks(self, now: int) -> dict[str, int]:
        """Return what is to be set before a failure is counted.

        The time comes first: by the old number and the old time together a guess beside this one
        would be let through.
        """
        stale = [each.forgiven_key for each in (self._number, self._same) if each.is_stale]
        return {self._last_key: now, **dict.fromkeys(stale, 0)}

    def count(self) -> int | None:
        """Count a failure; return how many are open if the counter begins to delay with it."""
        number = counters.increase(self._number.key, self.limit.kept)
        counters.increase(self._same.key, self.limit.kept)
        for each in (self._number, self._same):
            # Some caches forget, while they count, how long a number is to live.
            counters.keep(each.key, self.limit.kept)
            if each.forgiven:
                counters.keep(each.forgiven_key, self.limit.kept)
        failures = number - self._number.forgiven
        return failures if failures == self.limit.free else None

    def forgiveness(self) -> dict[str, int]:
        """Return what is to be set after a success; empty if there is nothing to forgive."""
        if not self._same.open:
            return {}
        forgiven = self._number.forgiven + self._same.open
        return {
            self._number.forgiven_key: min(forgiven, self._number.all),
            self._same.forgiven_key: self._same.all,
        }
