"""What goes on all the time: browsers with tabs, users who leave, staff, thieves, and the chaos.

Each browser lives through one session after another. Of every five sessions one is left by logout,
one is ended by staff, one by the user from another device, one by a thief, and one by nobody: it
is closed, and must be there in the end.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg

from proofs.chaos.client import Client, Jar
from proofs.chaos.cluster import Cluster
from proofs.chaos.faults import Plan
from proofs.chaos.server import Server
from proofs.chaos.stage import Stage

__all__ = ["Browser", "Monkey", "Workers"]

TABS = 3
ENDINGS = ("logout", "staff", "another device", "thief", "nobody")


class Workers:
    """Threads whose errors are not lost.

    Attributes:
        errors: what they raised.
    """

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, action: Callable[[], Any]) -> threading.Thread:
        """Run ``action`` in a thread."""

        def run() -> None:
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - reported when all have ended
                self.errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def join(self) -> None:
        """Wait for all.

        Raises:
            ExceptionGroup: of what they raised.
        """
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise BaseExceptionGroup("the traffic broke down", self.errors)


class Browser:
    """One browser, or one app with several threads, through many sessions.

    Args:
        stage: where it acts.
        transport: ``cookie`` or ``body``.
        stop: when it is set, the current session is the last.
        takes_turns: whether tabs refresh one after the other: a must where the grace is shorter
            than a request may live.
        seed: of its random choices.
    """

    def __init__(
        self,
        stage: Stage,
        transport: str,
        stop: threading.Event,
        *,
        takes_turns: bool,
        seed: int,
    ) -> None:
        self._stage, self._transport, self._stop = stage, transport, stop
        self._takes_turns, self._seed = takes_turns, seed
        self._chance = random.Random(seed)

    def run(self) -> None:
        """Live through sessions until it is told to stop."""
        endings = list(ENDINGS)
        self._chance.shuffle(endings)
        count = 0
        while not self._stop.is_set():
            self._session(endings[count % len(endings)], count)
            count += 1

    def _session(self, ending: str, count: int) -> None:
        jar, first = Jar(), self._tab(Jar())
        first.jar = jar
        first.login()
        stolen = jar.refresh
        closed = threading.Event()
        workers = Workers()
        for number in range(TABS):
            tab = first if number == 0 else self._tab(jar, first)
            chance = random.Random(f"{self._seed} {count} {number}")
            workers.start(partial(self._browse, tab, chance, closed))
        self._stop.wait(self._chance.uniform(1.5, 5))
        self._end(ending, first, stolen)
        # Where the end did not come about the journal has it, and nobody will be refused.
        if first.story.ended is None:
            closed.set()
        workers.join()

    def _tab(self, jar: Jar, first: Client | None = None) -> Client:
        options: dict[str, Any] = {"takes_turns": self._takes_turns}
        if first is None:
            return self._stage.client(self._transport, **options)
        return Client(first.line, first.username, self._transport, jar=jar, **options)

    def _browse(self, tab: Client, chance: random.Random, closed: threading.Event) -> None:
        """Refresh, use, and now and then sleep, until the session has ended or is closed."""
        while not closed.is_set():
            plan = Plan()
            if chance.random() < 0.2:
                side = chance.choice(("before", "after"))
                plan = Plan("stall", side, chance.randint(1, 3))
            ended = tab.story.ended is not None
            lives = tab.refresh(plan) and tab.use()
            if ended or not lives:
                return
            if chance.random() < 0.2:
                self._stage.sleep(tab)
            closed.wait(chance.uniform(0.1, 0.6))

    def _end(self, ending: str, client: Client, stolen: str) -> None:
        if ending == "logout":
            client.logout()
        elif ending == "staff":
            self._stage.staff.revoke(client.story, Plan())
        elif ending == "another device":
            other = self._stage.client(self._transport, client.username)
            other.login()
            other.revoke(client)
        elif ending == "thief":
            self._steal(client, stolen)

    def _steal(self, client: Client, stolen: str) -> None:
        """Replay the first token once it is two generations old: no rule excuses that."""
        for _ in range(2):
            self._stage.sleep(client)
            client.refresh()
            client.use()
        client.replay(stolen)


class Monkey:
    """Kills, cuts and restarts from outside, at random, until it is told to stop.

    Args:
        server: whose workers it kills.
        cluster: whose connections it cuts, and which it restarts.
        stop: when it is set, the monkey ends.
        every: seconds between two kills from outside, on average.
        seed: of its random choices.
    """

    def __init__(
        self, server: Server, cluster: Cluster, stop: threading.Event, *, every: float, seed: int
    ) -> None:
        self._server, self._cluster, self._stop = server, cluster, stop
        self._every, self._chance = every, random.Random(seed)

    def run(self) -> None:
        """Do it: four kills, four cuts, all connections cut, one restart; and again."""
        modes = ["immediate", "fast"]
        turn = 0
        while not self._stop.wait(self._chance.uniform(0.5, 1.5) * self._every):
            self._server.kill_worker(self._chance)
            try:
                self._cluster.cut(everything=turn % 4 == 3)
            except psycopg.OperationalError:
                continue
            if turn % 4 == 1:
                self._cluster.restart(modes[turn // 4 % 2])
            turn += 1
