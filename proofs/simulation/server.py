"""The network and the server: messages are lost, late and reordered, and writes wait."""

from __future__ import annotations

from random import Random
from typing import Any

from proofs.simulation.engine import Engine
from proofs.simulation.requests import ENDED, TRY_AGAIN, Answer, Request
from proofs.simulation.rules import Row, Rule
from proofs.simulation.world import World

__all__ = ["ATTEMPTS", "Server"]

ATTEMPTS = 3
"""As tokenauth.database.ATTEMPTS: so often is the row read and decided upon anew."""

MEAN_PAUSE = 1 / 0.005  # per second: between a read and its write
LONGEST_WAIT = 2.0  # s, for a lock
LONGEST_USE = 2.0  # s, a long way of a request to an API
GOOD_LEG = 0.05  # s


class Server:
    """What is between sending a request and hearing its answer.

    Args:
        engine: the time.
        world: how bad it is.
        random: where to draw from.
        rule: how a refresh token is treated.
        slow: the share of messages that take long.

    Attributes:
        down_until: the end of an outage of the network.
        served: how many requests got an answer.
        answers: how many, by status.
        watcher: called with the row and the token that the victim has just exchanged: a thief who
            sees the wire.
        decided: called with each request that was decided upon.
    """

    __slots__ = (
        *("_engine", "_world", "_random", "_rule", "_slow"),
        *("down_until", "served", "answers", "watcher", "decided"),
    )

    def __init__(
        self, engine: Engine, world: World, random: Random, rule: Rule, slow: float
    ) -> None:
        self._engine = engine
        self._world = world
        self._random = random
        self._rule = rule
        self._slow = slow
        self.down_until = -1.0
        self.served = 0
        self.answers = {200: 0, 401: 0, 503: 0}
        self.watcher: Any = None
        self.decided: Any = None

    def send(self, request: Request) -> None:
        """Send a request; sooner or later its client hears an answer or misses it."""
        now = self._engine.now
        way = self._way(request, self._world.request_life)
        arrival = now + way
        self._expect(request, arrival if way >= 0 else None)
        if way >= 0:
            self._engine.at(arrival, self._receive, request)

    def use(self, row: Row, generation: int, delay: float) -> None:
        """Use an access token for the first time.

        It is used until that is heard: a lost request costs a second, an outage all of its time.
        """
        if row.confirmed_generation >= generation:
            return
        way = self._world.leg(self._random, self._slow, LONGEST_USE)
        while way < 0:
            delay += 1.0
            way = self._world.leg(self._random, self._slow, LONGEST_USE)
        delay += max(0.0, self.down_until - self._engine.now)
        self._engine.at(self._engine.now + delay + way, self._rule.confirm, row, generation)

    def _way(self, request: Request, longest: float) -> float:
        if request.client.has_good_network:
            return GOOD_LEG
        if self._engine.now < self.down_until:
            return -1.0
        return self._world.leg(self._random, self._slow, longest)

    def _expect(self, request: Request, when: float | None) -> None:
        # An event for each request that is answered in time would be an event for nothing.
        deadline = request.sent + self._world.give_up
        if not request.over and (when is None or when > deadline):
            request.over = True
            self._engine.at(max(deadline, self._engine.now), request.client.misses, request)

    def _receive(self, request: Request) -> None:
        skew = self._world.skew
        shift = (2 * self._random.random() - 1) * skew if skew else 0.0
        request.arrived = self._engine.now + shift
        self._read(request, shift)

    def _read(self, request: Request, shift: float) -> None:
        row: Row = request.token[0]
        request.attempts += 1
        plan = ENDED if row.ended is not None else self._rule.read(row, request)
        if isinstance(plan, Answer):
            self._respond(request, plan)
            return
        now, random = self._engine.now, self._random
        sends = now + random.expovariate(MEAN_PAUSE)
        writes = sends
        if random.random() < self._world.waiting_writes:
            writes += random.random() * LONGEST_WAIT
        if writes > request.sent + self._world.request_life:
            self._expect(request, None)  # whoever runs the server has killed it
            return
        self._expect(request, writes)
        self._engine.at(writes, self._write, request, plan, sends + shift, shift)

    def _write(self, request: Request, plan: Any, stamp: float, shift: float) -> None:
        row: Row = request.token[0]
        if row.ended is not None:
            self._respond(request, ENDED)
            return
        answer = self._rule.write(row, request, plan, stamp, self._engine.now)
        if answer is not None:
            self._respond(request, answer)
        elif request.attempts < ATTEMPTS:
            self._read(request, shift)
        else:
            self._respond(request, TRY_AGAIN)

    def _respond(self, request: Request, answer: Answer) -> None:
        self.served += 1
        self.answers[answer.status] += 1
        row, presented = request.token
        if answer.token is not None:
            if row.successors.setdefault(presented, answer.token) != answer.token:
                row.forked = True
            elif self.watcher is not None and not request.client.is_thief:
                self.watcher(row, presented)
        if self.decided is not None:
            self.decided(request)
        way = self._way(request, self._world.give_up)
        arrival = self._engine.now + way
        if way < 0:
            self._expect(request, None)
            return
        self._expect(request, arrival)
        if not request.over:
            self._engine.at(arrival, self._deliver, request, answer)

    def _deliver(self, request: Request, answer: Answer) -> None:
        until = request.client.silent_until(request)
        if until is None:
            return
        if until > self._engine.now:
            self._engine.at(until, request.client.hears, request, answer)
        else:
            request.client.hears(request, answer)
