"""What runs in processes of its own beside the measurement: clients, and clean-up."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.scale.settings"
django.setup()

from benchmarks.scale.databases import Chosen  # noqa: E402 - after the setup
from benchmarks.scale.latency import Refresher  # noqa: E402 - as above
from benchmarks.scale.loading import Lot  # noqa: E402 - as above
from tokenauth.exceptions import TryAgain  # noqa: E402 - as above
from tokenauth.pruning import Rows, prune  # noqa: E402 - as above

__all__ = [
    "ALIAS",
    "PAUSE",
    "REST",
    "SESSIONS_EACH",
    "TURN",
    "Turn",
    "Work",
    "keep_pruning",
    "keep_refreshing",
]

ALIAS = "pruning"
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
        memory: KiB of its peak resident memory, before the first batch and at the end.
        seconds: of processor time that the process used.
    """

    turns: list[Turn]
    batches: list[float]
    memory: tuple[int, int]
    seconds: float


def keep_refreshing(number: int, lot: Lot, over: Event, answer: Connection) -> None:
    """Be client ``number``: refresh one random session after the other, with a short pause."""
    Chosen.alias = ALIAS
    refresh = Refresher(lot, seed=number, first=number * SESSIONS_EACH, count=SESSIONS_EACH)
    waits, errors = [], Counter[str]()
    while not over.is_set():
        began = time.monotonic()
        try:
            refresh()
        except TryAgain:
            errors["try_again"] += 1
        waits.append((began, time.monotonic() - began))
        time.sleep(PAUSE)
    answer.send((waits, errors))


def keep_pruning(answer: Connection) -> None:
    """Work and rest in turns, until nothing is left."""
    Chosen.alias = ALIAS
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


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
