"""A browser: tabs that share one cookie jar, one lock, and the fate of one machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from proofs.simulation.engine import Engine
from proofs.simulation.requests import Token
from proofs.simulation.rules import Row
from proofs.simulation.server import Server
from proofs.simulation.tab import Tab
from proofs.simulation.world import World

__all__ = ["BEST", "NAIVE", "PAGE", "Behaviour", "Browser"]

LOCK_WAIT = 5.0
"""As LOCK_MS of tokenauth.js: then a tab goes on without the lock."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a client is written.

    A client that does not retry tries again when it is used again.

    Attributes:
        name: for the tables.
        shares: it has one refresh under way in each tab, and holds a Web Lock across the tabs.
            One that does not sends as many refreshes as it has calls waiting, in every tab.
        retries: with a growing pause, and once more after a 401.
    """

    name: str
    shares: bool
    retries: bool


BEST = Behaviour("lock and retries", shares=True, retries=True)
"""As tokenauth.js, whose pauses begin shorter."""
PAGE = Behaviour("session.js", shares=True, retries=False)
"""The client of the first demo page: a lock, no retries of its own."""
NAIVE = Behaviour("naive", shares=False, retries=False)


def _nothing() -> None:
    pass


class Browser:
    """One user's browser, with one session at a time.

    Args:
        engine: the time.
        world: how bad it is.
        random: where to draw from.
        server: whom to ask.
        behaviour: how the page's script is written.
        row: the session.

    Attributes:
        jar: the refresh token in the cookie jar.
        stored: every token that the jar has held, with when: what a disk may still hold.
        awake: the machine is, and the browser is running.
        wakes: when it will be awake again, while it is not.
        logouts: why its sessions were over, each time it was told so.
        on_logout: called when it is told, while the jar still holds that session.
    """

    __slots__ = (
        *("engine", "world", "random", "server", "behaviour", "jar", "stored", "awake", "wakes"),
        *("logouts", "tabs", "epoch", "_holder", "_waiting", "on_logout"),
    )

    def __init__(
        self,
        engine: Engine,
        world: World,
        random: Random,
        server: Server,
        behaviour: Behaviour,
        row: Row,
    ) -> None:
        self.engine, self.world, self.random = engine, world, random
        self.server, self.behaviour = server, behaviour
        self.jar: Token = (row, 0)
        self.stored: deque[tuple[float, Token]] = deque([(engine.now, self.jar)])
        self.awake = False
        self.wakes = 0.0
        self.epoch = 0
        self.logouts: list[str] = []
        self.on_logout: Callable[[], None] = _nothing
        self._holder: Tab | None = None
        self._waiting: deque[Tab] = deque()
        self.tabs = [
            Tab(self, polls=random.random() < world.polls) for _ in range(random.choice(world.tabs))
        ]

    def store(self, token: Token) -> None:
        """Put the cookie of an answer into the jar."""
        self.jar = token
        self.stored.append((self.engine.now, token))
        if self.world.snapshot == 0 and len(self.stored) > 8:
            self.stored.popleft()

    def wake(self) -> None:
        """Wake up: every timer that is due fires at once."""
        self.awake = True
        for tab in self.tabs:
            tab.want(self.random.random() * 0.5)

    def sleep(self, until: float) -> None:
        """Sleep: what is under way is lost."""
        self.awake, self.wakes = False, until
        self._cut()

    def crash(self, until: float) -> None:
        """Crash: as sleep, and nothing is kept but what the cookie store had written."""
        self.sleep(until)
        self._forget_tokens()
        if self.world.flush:
            self.put_back(self.random.random() * self.world.flush)

    def put_back(self, age: float) -> None:
        """Put the jar back to what it held some seconds ago, if that was in this session."""
        held = [token for when, token in self.stored if when <= self.engine.now - age]
        if held and held[-1][0] is self.jar[0]:
            self.jar = held[-1]

    def restore(self) -> None:
        """Start the browser: all its tabs load, and refresh, at once."""
        self.awake = True
        for tab in self.tabs:
            tab.used_until = max(tab.used_until, self.engine.now + 5)
            tab.want(self.random.expovariate(3.0))

    def log_out(self, row: Row) -> None:
        """Be told that the session is over; the user logs in again, and every tab notices."""
        self.logouts.append(row.why or "401")
        self._cut()
        self._forget_tokens()
        self.on_logout()
        self.store((Row(self.engine.now), 0))
        for tab in self.tabs:
            tab.want(self.random.random() * 5)

    def _cut(self) -> None:
        self.epoch += 1
        self._holder = None
        self._waiting.clear()
        for tab in self.tabs:
            tab.cut()

    def _forget_tokens(self) -> None:
        for tab in self.tabs:
            tab.access_until = -1.0

    # The Web Lock

    def acquire(self, tab: Tab) -> None:
        """Let a tab refresh when no other one does, or after the longest wait."""
        if not self.behaviour.shares:
            tab.refresh()
        elif self._holder is None:
            self._holder = tab
            tab.refresh()
        else:
            self._waiting.append(tab)
            turn = tab.turn
            self.engine.at(self.engine.now + LOCK_WAIT, self._go_without, tab, turn)

    def _go_without(self, tab: Tab, turn: int) -> None:
        if tab.turn == turn and tab in self._waiting:
            self._waiting.remove(tab)
            tab.refresh()

    def release(self, tab: Tab) -> None:
        """Give the lock to the next tab, if this one holds it."""
        if tab in self._waiting:
            self._waiting.remove(tab)
        if self._holder is tab:
            self._holder = self._waiting.popleft() if self._waiting else None
            if self._holder is not None:
                self._holder.refresh()
