"""Ask all the time whether a token is still accepted, and note who said so and when."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections

from proofs.revocation.servers import Server

__all__ = ["Answer", "Case", "Watch", "run", "watch"]

ASKERS = 8
PAUSE = 0.008
"""Seconds between two requests of one asker: the machine is also the server's."""


@dataclass(frozen=True)
class Answer:
    """One answer: what came, and from whom; when it was asked for and came (monotonic seconds)."""

    sent: float
    came: float
    status: int
    process: int
    code: str = ""
    retry_after: str | None = None


@dataclass
class Case:
    """One revocation, and what the server said of its token before and after.

    Attributes:
        kind: for the report.
        prepare: called just before; returns the access token that must be refused afterwards,
            and what revokes: has been committed when it returns.
        tail: how many seconds it is watched after the commit.
        token: the token.
        committed: when it was, by the monotonic clock.
        took: seconds that the revocation took, the commit included.
        answers: what was said of the token.
    """

    kind: str
    prepare: Callable[[], tuple[str, Callable[[], object]]]
    tail: float = 1.8
    token: str = field(default="", repr=False)
    committed: float = float("inf")
    took: float = 0.0
    answers: list[Answer] = field(default_factory=list)

    def last_acceptance(self) -> float:
        """Return how long after the commit a request was sent that was let in; 0 if none was."""
        late = [answer.sent - self.committed for answer in self.answers if answer.status == 200]
        return max([0.0, *late])

    def accepted_before(self) -> int:
        """Return how many requests before the commit were let in."""
        return sum(a.status == 200 and a.sent < self.committed for a in self.answers)

    def refusals(self) -> list[Answer]:
        """Return the refusals of requests that were sent after the commit."""
        return [a for a in self.answers if a.status == 401 and a.sent > self.committed]

    def odd(self) -> list[Answer]:
        """Return what is neither: errors, and refusals before anything was committed."""
        begun = self.committed - self.took
        return [
            a
            for a in self.answers
            if a.status not in {200, 401} or (a.status == 401 and a.came < begun)
        ]


class Watch:
    """Several threads that ask one server about the tokens that are watched just now."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._watched: list[Case] = []
        self._next = 0
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(ASKERS)]
        for thread in self._threads:
            thread.start()

    def add(self, case: Case) -> None:
        """Begin to ask about a token."""
        with self._lock:
            self._watched.append(case)

    def remove(self, case: Case) -> None:
        """End it."""
        with self._lock:
            self._watched.remove(case)

    def stop(self) -> None:
        """End all of it; wait for the answers that are still to come."""
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self) -> None:
        while not self._ends.is_set():
            with self._lock:
                self._next += 1
                number = self._next
                case = self._watched[number % len(self._watched)] if self._watched else None
            if case is not None:
                paths = self._server.kind.paths
                case.answers.append(self._ask(paths[number // 7 % len(paths)], case.token))
            time.sleep(PAUSE)

    def _ask(self, path: str, token: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        sent = time.monotonic()
        try:
            connection.connect()
            # From here on, not from before the connection: that makes an acceptance the later.
            sent = time.monotonic()
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            body = answer.read()
            process = int(answer.headers.get("X-Process", "0"))
            code = "" if answer.status == 200 else _code(body)
            return Answer(
                sent,
                time.monotonic(),
                answer.status,
                process,
                code,
                answer.headers.get("Retry-After"),
            )
        except (OSError, http.client.HTTPException) as error:
            return Answer(sent, time.monotonic(), 0, 0, type(error).__name__)
        finally:
            connection.close()


def _wait_for(happened: Callable[[], object]) -> None:
    """Wait until something has happened, at most 15 s."""
    end = time.monotonic() + 15
    while not happened() and time.monotonic() < end:
        time.sleep(0.05)


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body).get("code", ""))
    except ValueError:
        return body[:80].decode(errors="replace")


@contextmanager
def watch(server: Server) -> Iterator[Watch]:
    """Ask a server while the block lasts."""
    running = Watch(server)
    try:
        yield running
    finally:
        running.stop()


def run(server: Server, cases: Sequence[Case], *, spacing: float, seed: int) -> None:
    """Make every revocation, one about every ``spacing`` seconds, each watched around it.

    Raises:
        RuntimeError: a revocation failed.
    """
    chance = random.Random(seed)
    failures: list[Exception] = []

    def follow(case: Case, watching: Watch, delay: float) -> None:
        time.sleep(delay)
        try:
            case.token, act = case.prepare()
            watching.add(case)
            time.sleep(0.4)
            _wait_for(case.accepted_before)
            began = time.monotonic()
            act()
            case.committed = time.monotonic()
            case.took = case.committed - began
            time.sleep(case.tail)
            # On a busy machine requests wait in the server's queue: the last must have been sent.
            _wait_for(
                lambda: any(a.sent > case.committed + case.tail - 0.7 for a in case.refusals())
            )
            watching.remove(case)
        except Exception as error:  # noqa: BLE001 - raised below, in the thread that waits
            failures.append(error)
        finally:
            connections.close_all()

    with watch(server) as watching:
        threads = [
            threading.Thread(
                target=follow,
                args=(case, watching, number * spacing + chance.random() * spacing),
            )
            for number, case in enumerate(cases)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise RuntimeError("a revocation was not made") from failures[0]
