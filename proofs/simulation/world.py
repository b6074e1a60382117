"""The world: its parameters, and what its networks do to a message."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from random import Random

__all__ = ["DAY", "World", "described"]

DAY = 86_400.0
"""Seconds in a day."""

SHORTEST_LEG = 0.04  # s, of a message's way; the median is 0.06 s
HEAVINESS = 2 / 3  # Pareto's, of shape 1.5: 1 in 50 takes over 0.5 s, 1 in 2,000 over 6 s
SLOW_ON_SLOW_DAYS = 0.2


@dataclass(frozen=True, slots=True)
class World:
    """Everything that can be turned; times in seconds, shares between 0 and 1.

    The defaults are the world in which the guarantee of the protocol holds: a client gives up
    after 10 s and a request lives at most 20 s, both by the clock on the wall, sleep included.
    Each field's metadata says what it means, for the table in the docs.
    """

    loss: float = field(default=0.05, metadata={"is": "requests lost, and answers lost, each"})
    slow: float = field(default=0.03, metadata={"is": "messages that take long"})
    slow_days: float = field(
        default=0.1, metadata={"is": "days on which 20 % of the messages take long"}
    )
    give_up: float = field(default=10.0, metadata={"is": "a client gives up after"})
    request_life: float = field(
        default=20.0, metadata={"is": "a request lives, from sending to its last write"}
    )
    skew: float = field(default=0.0, metadata={"is": "the hosts' clocks are off by up to"})
    access_lifetime: float = field(default=300.0, metadata={"is": "access tokens live"})
    tabs: tuple[int, ...] = field(
        default=(1, 2, 2, 3, 3, 4, 4, 6, 6, 10), metadata={"is": "tabs, one of"}
    )
    polls: float = field(
        default=0.3, metadata={"is": "tabs that poll in the background while the machine is awake"}
    )
    call_pause: float = field(
        default=10.0, metadata={"is": "between two calls of a tab in use, on average"}
    )
    poll_pause: float = field(
        default=60.0, metadata={"is": "between two calls of a tab that polls, on average"}
    )
    blocks: int = field(default=5, metadata={"is": "times a day that the machine is awake"})
    awake: float = field(default=1800.0, metadata={"is": "each time, on average"})
    visit: float = field(default=600.0, metadata={"is": "a tab is used at a stretch, on average"})
    peeks: float = field(
        default=0.3, metadata={"is": "sleeps with a short wake of 1 to 20 s in them"}
    )
    crashes: float = field(default=0.3, metadata={"is": "crashes a day"})
    restarts: float = field(default=0.5, metadata={"is": "restarts a day, all tabs restored"})
    outages: float = field(default=3.0, metadata={"is": "outages of the network a day"})
    outage: float = field(default=60.0, metadata={"is": "an outage lasts, on average"})
    reloads: float = field(
        default=0.02, metadata={"is": "refreshes during which the tab is reloaded"}
    )
    waiting_writes: float = field(
        default=0.02, metadata={"is": "writes that wait up to 2 s for a lock"}
    )
    survives_sleep: float = field(
        default=0.0, metadata={"is": "answers due while asleep that are taken on waking"}
    )
    flush: float = field(default=0.0, metadata={"is": "the cookie store is written to disk every"})
    snapshot: float = field(
        default=0.0, metadata={"is": "once a day the cookie store is put back by"}
    )
    uses_seen: bool = field(
        default=True, metadata={"is": "access tokens are used at this project (here), or elsewhere"}
    )

    def leg(self, random: Random, slow: float, longest: float) -> float:
        """Draw how long a message is under way.

        Args:
            random: where to draw from.
            slow: the share of messages that take long today.
            longest: a long way takes up to this, evenly spread, in seconds.

        Returns:
            Seconds, with a heavy tail; negative if the message is lost.
        """
        if random.random() < self.loss:
            return -1.0
        if random.random() < slow:
            return random.random() * longest
        return SHORTEST_LEG * float((1.0 - random.random()) ** -HEAVINESS)

    def slowness(self, random: Random) -> float:
        """Draw the share of messages that take long on one day."""
        return SLOW_ON_SLOW_DAYS if random.random() < self.slow_days else self.slow


def described(world: World) -> list[tuple[str, object, str]]:
    """Return each parameter's name, value and meaning, in order."""
    return [(each.name, getattr(world, each.name), each.metadata["is"]) for each in fields(world)]
