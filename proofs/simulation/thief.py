"""A thief: he has copied the jar once, and goes on with what the server gives him."""

from __future__ import annotations

from enum import Enum
from random import Random

from proofs.simulation.browser import Browser
from proofs.simulation.engine import Engine
from proofs.simulation.requests import Answer, Request, Token
from proofs.simulation.rules import Row
from proofs.simulation.server import Server
from proofs.simulation.world import World

__all__ = ["Habit", "Thief"]

MEAN_PAUSE = 1 / 5  # per second: before he tries again
MEAN_REST = 1 / 3600  # per second: between two uses of an unsteady thief
LONGEST_REST = 8 * 3600.0  # s: before the first use; drawn evenly over orders of magnitude
FASTEST = 1.0  # s
SAFE = 0.9  # of the time that he has


class Habit(Enum):
    """When a thief refreshes."""

    STEADY = "when his access token expires"
    NOW_AND_THEN = "now and then"
    TAKES_TURNS = "once after each of the victim's rotations, after the grace"
    FOLLOWS = "within the grace after each of the victim's rotations"


class Thief:
    """Somebody who has copied the victim's refresh token, once.

    Args:
        engine: the time.
        world: how bad it is; his network is as bad as the victim's, but for FOLLOWS.
        random: where to draw from.
        server: whom to ask.
        habit: when he refreshes.
        seen: he uses his access tokens at this project, not elsewhere.
        grace: of the server, in seconds: he knows it.

    Attributes:
        token: what he holds; ``None`` before the theft.
        first: when he first refreshed.
        refused: he was answered 401.
        got: how many access tokens he was given.
    """

    __slots__ = (
        *("_engine", "_world", "_random", "_server", "_habit", "_seen", "_grace"),
        *("token", "first", "refused", "got", "has_good_network", "_turn", "_rotated"),
    )
    is_thief = True

    def __init__(
        self,
        engine: Engine,
        world: World,
        random: Random,
        server: Server,
        habit: Habit,
        *,
        seen: bool,
        grace: float = 0.0,
    ) -> None:
        self._engine, self._world, self._random = engine, world, random
        self._server, self._habit, self._seen = server, habit, seen
        self._grace = grace
        self.has_good_network = habit is Habit.FOLLOWS
        self.token: Token | None = None
        self.first: float | None = None
        self.refused = False
        self.got = self._turn = 0
        self._rotated = -1

    def steal(self, browser: Browser) -> None:
        """Copy what is in the jar."""
        self.token = browser.jar
        if self._habit in {Habit.FOLLOWS, Habit.TAKES_TURNS}:
            self._server.watcher = self._follow
            if self.token[1] in self.token[0].successors:
                self._act()
            return
        rest = FASTEST * (LONGEST_REST / FASTEST) ** self._random.random()
        self._again(rest)

    def _follow(self, row: Row, presented: int) -> None:
        # The victim's other tabs present the same token: that is the same rotation.
        if self.token is None or row is not self.token[0] or presented <= self._rotated:
            return
        self._rotated = presented
        if presented == self.token[1]:
            self._act()

    def _act(self) -> None:
        share = self._random.random()
        if self._habit is Habit.FOLLOWS:
            self._again(share * self._grace * SAFE)
        else:
            rest = self._world.access_lifetime - self._grace
            self._again(self._grace + 1 + share * rest * SAFE)

    def _again(self, delay: float) -> None:
        self._turn += 1
        self._engine.at(self._engine.now + delay, self._refresh, self._turn)

    def _refresh(self, turn: int) -> None:
        if turn != self._turn or self.refused or self.token is None:
            return
        self._server.send(Request(self, self.token, self._engine.now, turn, 0))

    def silent_until(self, request: Request) -> float | None:
        """He does not sleep."""
        return 0.0

    def hears(self, request: Request, answer: Answer) -> None:
        """Take what he is given."""
        if request.turn != self._turn:
            return
        if answer.status == 401:
            self.refused = True
            return
        if answer.status == 503:
            self._again(self._random.expovariate(MEAN_PAUSE))
            return
        self.got += 1
        if answer.token is not None:
            self.token = (request.token[0], answer.token)
        if self._seen:
            self._server.use(request.token[0], answer.generation, 0.01)
        if self._habit is Habit.STEADY:
            self._again(self._world.access_lifetime + self._random.expovariate(MEAN_PAUSE))
        elif self._habit is Habit.NOW_AND_THEN:
            self._again(self._random.expovariate(MEAN_REST))
        elif request.token[0].forked:
            # He has a chain of his own: what the victim does is nothing to him.
            self._again(self._world.access_lifetime + self._random.expovariate(MEAN_PAUSE))
        elif self.token is not None and self._rotated >= self.token[1]:
            self._act()

    def misses(self, request: Request) -> None:
        """Try again."""
        if request.turn == self._turn:
            self._again(self._random.expovariate(MEAN_PAUSE))
