"""What runs in processes of its own beside the measurement: clients, clean-up, and revocation."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

import django
from django.db import connections

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.scale.settings"
django.setup()

from benchmarks.scale.databases import Chosen  # noqa: E402 - after the setup
from benchmarks.scale.latency import Refresher  # noqa: E402 - as above
from benchmarks.scale.loading import Lot  # noqa: E402 - as above
from tokenauth.bulk import Ended, Target, revoke_matching  # noqa: E402 - as above
from tokenauth.exceptions import SessionEnded, TryAgain  # noqa: E402 - as above
from tokenauth.networks import as_network  # noqa: E402 - as above
from tokenauth.pruning import Rows, prune  # noqa: E402 - as above

__all__ = [
    "NETWORK",
    "PAUSE",
    "PRUNING",
    "REST",
    "REVOKING",
    "SESSIONS_EACH",
    "TURN",
    "Turn",
    "Work",
    "keep_pruning",
    "keep_refreshing",
    "revoke_network",
]

PRUNING, REVOKING = "pruning", "revoking"
NETWORK = "10.0.0.0/8"
"""Where the sessions to be revoked come from, and nobody else."""
SESSIONS_EACH = 10_000
TURN, REST = 15.0, 5.0
"""Seconds of work, and seconds of rest."""
PAUSE = 0.02
"""Seconds between two refreshes of a client: more, and the machine would do nothing else."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of work.

    Attributes:
        began: when, by the machine's monotonic clock.
        ended: when.
        rows: how many sessions, rows of history and events went.
    """

    began: float
    ended: float
    rows: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Work:
    """What the process that cleans up has to say.

    Attributes:
        turns: when it worked.
        batches: how many seconds each batch took.
        statements: how many they were, BEGIN and COMMIT aside, where they were counted.
        memory: KiB of its peak resident memory, before the first batch and at the end.
        seconds: of processor time that the process used.
    """

    turns: list[Turn]
    batches: list[float]
    memory: tuple[int, int]
    seconds: float
    statements: int = 0


def keep_refreshing(
    number: int, alias: str, lots: list[Lot], over: Event, answer: Connection
) -> None:
    """Be client ``number``: refresh a random session of each lot in turn, with a short pause."""
    Chosen.alias = alias
    first, each = number * SESSIONS_EACH, SESSIONS_EACH
    turns = cycle(
        Refresher(lot, seed=number, first=first % lot.count, count=min(each, lot.count))
        for lot in lots
    )
    waits, errors = [], Counter[str]()
    while not over.is_set():
        refresh, began = next(turns), time.monotonic()
        try:
            refresh()
        except TryAgain:
            errors["try_again"] += 1
        except SessionEnded:
            errors["session_ended"] += 1
        waits.append((began, time.monotonic() - began))
        time.sleep(PAUSE)
    answer.send((waits, errors))


def keep_pruning(answer: Connection) -> None:
    """Work and rest in turns, until nothing is left."""
    Chosen.alias = PRUNING
    turns, batches, before, used = [], [], _memory(), time.process_time()
    last = 0.0

    def note(_rows: Rows) -> None:
        nonlocal last
        now = time.monotonic()
        batches.append(now - last)
        last = now

    while True:
        time.sleep(REST)
        began = last = time.monotonic()
        done = prune(max_seconds=TURN, progress=note)
        gone = done.removed
        rows = (gone.sessions, gone.refresh_tokens, gone.events)
        turns.append(Turn(began, time.monotonic(), rows))
        if not done.left.total:
            break
    answer.send(Work(turns, batches, (before, _memory()), time.process_time() - used))


def revoke_network(answer: Connection) -> None:
    """Rest, end all sessions of the network at once, and rest again."""
    Chosen.alias = REVOKING
    batches, statements, last = list[float](), 0, 0.0
    connection = connections[REVOKING]

    def count(execute: Any, *args: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*args)

    def note(_ended: Ended) -> None:
        nonlocal last
        now = time.monotonic()
        batches.append(now - last)
        last = now

    time.sleep(REST)
    before, used = _memory(), time.process_time()
    began = last = time.monotonic()
    with connection.execute_wrapper(count):
        target = Target(network=as_network(NETWORK))
        done = revoke_matching(target, reason="suspicious", progress=note)
    turn = Turn(began, time.monotonic(), (done.sessions, 0, 0))
    work = (batches, (before, _memory()), time.process_time() - used, statements)
    time.sleep(REST)
    answer.send(Work([turn], *work))


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
