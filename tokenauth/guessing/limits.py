"""How long each counter delays: a rule, without a cache and without a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MOST_IN_A_ROW", "Limit", "limits_of"]

MOST_IN_A_ROW = 100
"""After so many failures of one account a day passes before each further guess.

NIST SP 800-63B-4 section 3.2.2 allows at most 100 in a row.
"""

MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Limit:
    """The rule of one counter.

    Attributes:
        name: of the counter, as the audit trail has it.
        free: after how many failures it begins to delay.
        longest: the longest delay, in seconds.
        kept: for how many seconds after the last failure it is remembered.
        is_of_account: whether all that it counts are guesses at one account.
    """

    name: str
    free: int
    longest: int
    kept: int
    is_of_account: bool = True

    def delay(self, failures: int) -> int:
        """Return how many seconds must pass between the last failure and the next guess."""
        if failures < self.free:
            return 0
        if self.is_of_account and failures >= MOST_IN_A_ROW:
            return DAY
        doublings = min(failures - self.free, self.longest.bit_length())
        return min(1 << doublings, self.longest)


def limits_of(free: Mapping[str, int]) -> dict[str, Limit]:
    """Return every limit by its name.

    Args:
        free: ``TOKENAUTH_GUESSING``. What is the owner's own follows ``pair``.
    """
    every = (
        Limit("pair", free["pair"], 15 * MINUTE, kept=7 * DAY),
        Limit("account", free["account"], HOUR, kept=30 * DAY),
        Limit("address", free["address"], 5 * MINUTE, kept=DAY, is_of_account=False),
        Limit("own", free["pair"], 15 * MINUTE, kept=30 * DAY),
    )
    return {limit.name: limit for limit in every}
