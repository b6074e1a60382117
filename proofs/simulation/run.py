"""One browser-day, or one theft, from a seed; and many of them, in processes."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from proofs.simulation.browser import BEST, Behaviour, Browser
from proofs.simulation.days import plan_day
from proofs.simulation.engine import Engine
from proofs.simulation.requests import Request
from proofs.simulation.rules import RULES, Row
from proofs.simulation.server import Server
from proofs.simulation.thief import Habit, Thief
from proofs.simulation.world import DAY, World
from tokenauth import protocol

__all__ = ["Cell", "Tally", "Theft", "constants", "run_cell", "run_day", "run_theft"]

MORNING = 600.0
"""Seconds of the next morning that belong to a day: the night may have left its mark."""

USUAL = World()

CHUNK = 50
"""Days or thefts that a process does at a time."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: what is simulated, and how often.

    Attributes:
        name: unique; it is not part of the seed, so that all cells see the same days.
        rule: a key of RULES.
        world: the parameters.
        behaviour: of the honest client.
        days: how many browser-days, or thefts.
        habits: of the thieves, taken in turn; none for honest days.
        thief_seen: a thief uses his access tokens at this project.
        horizon: days until a theft counts as not caught.
        late_run, race: MAX_LATE_RUN and RACE (in seconds) instead of the real ones.
    """

    name: str
    rule: str
    world: World = USUAL
    behaviour: Behaviour = BEST
    days: int = 10_000
    habits: tuple[Habit, ...] = ()
    thief_seen: bool = True
    horizon: int = 7
    late_run: int | None = None
    race: float | None = None


@dataclass(frozen=True, slots=True)
class Theft:
    """What became of one theft that was used.

    Attributes:
        outcome: "caught", "refused" (a 401 ended his chain and nothing else), "victim out" (the
            victim had to log in, the thief's chain lives) or "free" at the end of the time.
        seconds: from his first refresh to the end, by the clock.
        shared: seconds from the victim's first refresh after that one: both are using it.
        by_thief, by_victim: refreshes of either side from his first one to the last, inclusive.
        turns: how often the side changed in these, plus one: 1 if his first refresh ended it.
    """

    outcome: str
    seconds: float
    shared: float
    by_thief: int
    by_victim: int
    turns: int


@dataclass(slots=True)
class Tally:
    """What was counted in a cell; two of them add up."""

    days: int = 0
    logouts: int = 0
    days_with_logout: int = 0
    forked_days: int = 0
    refreshes: int = 0
    try_again: int = 0
    rotations: int = 0
    repeats: int = 0
    late_answers: int = 0
    moves: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    late_runs: Counter[int] = field(default_factory=Counter)
    thefts: list[Theft] = field(default_factory=list)
    unused_thefts: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, mine + theirs)


@contextmanager
def constants(cell: Cell) -> Iterator[None]:
    """Set the constants of the decision to what the cell asks for, and back."""
    kept = protocol.MAX_LATE_RUN, protocol.RACE
    if cell.late_run is not None:
        protocol.MAX_LATE_RUN = cell.late_run
    if cell.race is not None:
        protocol.RACE = timedelta(seconds=cell.race)
    try:
        yield
    finally:
        protocol.MAX_LATE_RUN, protocol.RACE = kept


def _place(cell: Cell, seed: int, index: int) -> tuple[Engine, Server, Browser]:
    random = Random(f"{seed}/{index}/network")
    engine, world = Engine(), cell.world
    server = Server(engine, world, random, RULES[cell.rule], world.slowness(random))
    return engine, server, Browser(engine, world, random, server, cell.behaviour, Row(0.0))


def _plan(cell: Cell, seed: int, index: int, day: int, browser: Browser, server: Server) -> None:
    engine, random = browser.engine, Random(f"{seed}/{index}/day {day}")
    plan_day(engine, cell.world, random, browser, server, day * DAY)
    if day + 1 < cell.horizon and cell.habits:
        engine.at((day + 1) * DAY, _plan, cell, seed, index, day + 1, browser, server)


def run_day(cell: Cell, seed: int, index: int) -> Tally:
    """Simulate one honest browser-day.

    Args:
        cell: what is simulated.
        seed: of the run.
        index: of the day in the run.

    Returns:
        What happened.
    """
    engine, server, browser = _place(cell, seed, index)
    _plan(cell, seed, index, 0, browser, server)
    engine.at(DAY, browser.wake)
    tally = Tally(days=1)
    browser.on_logout = lambda: _count_row(tally, browser.jar[0])
    engine.run(DAY + MORNING)
    row: Row = browser.jar[0]
    _count_row(tally, row)
    if row.ended is not None:  # and nobody has been told yet
        browser.logouts.append(row.why)
    tally.logouts = len(browser.logouts)
    tally.days_with_logout = int(bool(browser.logouts))
    tally.causes.update(browser.logouts)
    tally.refreshes = server.served
    tally.try_again = server.answers[503]
    return tally


def _count_row(tally: Tally, row: Row) -> None:
    tally.rotations += max(row.generation, row.issued)
    tally.repeats += row.grace_count
    tally.late_answers += row.late_answers
    tally.moves += row.moves
    tally.late_runs[row.late_run] += 1
    tally.forked_days = int(bool(tally.forked_days) or row.forked)


def run_theft(cell: Cell, seed: int, index: int) -> Tally:
    """Simulate one theft, until it is over or the time is up.

    Args:
        cell: what is simulated.
        seed: of the run.
        index: of the theft in the run.

    Returns:
        One theft, or none where the session had ended before the thief used anything.
    """
    engine, server, browser = _place(cell, seed, index)
    random = Random(f"{seed}/{index}/thief")
    habit = cell.habits[index % len(cell.habits)]
    grace = float(cell.rule.split()[1]) if cell.rule.startswith("ours") else 30.0
    thief = Thief(
        *(engine, cell.world, random, server, habit),
        seen=cell.thief_seen,
        grace=grace,
    )
    row: Row = browser.jar[0]
    watch = _Watch(engine, thief, row)
    server.decided, browser.on_logout = watch.decided, watch.stop
    _plan(cell, seed, index, 0, browser, server)
    engine.at(random.random() * DAY, thief.steal, browser)
    engine.at(cell.horizon * DAY, lambda: None)
    while not engine.stopped and not thief.refused and engine.now < cell.horizon * DAY:
        engine.run(min(engine.now + 3600.0, cell.horizon * DAY))
    tally = Tally(days=1)
    _count_row(tally, row)
    tally.refreshes = server.served
    if thief.first is None or (row.ended is not None and row.ended < thief.first):
        tally.unused_thefts = 1
        return tally
    tally.thefts.append(watch.outcome(victim_out=bool(browser.logouts)))
    return tally


class _Watch:
    """Who refreshed after the thief's first use, and how it ended."""

    def __init__(self, engine: Engine, thief: Thief, row: Row) -> None:
        self._engine, self._thief, self._row = engine, thief, row
        self._shared_since: float | None = None
        self._last: bool | None = None
        self._counts = {True: 0, False: 0}
        self._turns = 0

    def stop(self) -> None:
        self._engine.stopped = True

    def decided(self, request: Request) -> None:
        by_thief = request.client.is_thief
        if self._thief.first is None and by_thief:
            self._thief.first = request.sent
        if self._thief.first is None or request.token[0] is not self._row:
            return
        if not by_thief and self._shared_since is None:
            self._shared_since = self._engine.now
        self._counts[by_thief] += 1
        self._turns += by_thief is not self._last
        self._last = by_thief
        self._engine.stopped = self._row.ended is not None

    def outcome(self, *, victim_out: bool) -> Theft:
        outcome, end = "free", self._engine.now
        if self._row.ended is not None:
            outcome, end = "caught", self._row.ended
        elif self._thief.refused:
            outcome = "refused"
        elif victim_out:
            outcome = "victim out"
        assert self._thief.first is not None
        shared = end - self._shared_since if self._shared_since is not None else 0.0
        by_thief, by_victim = self._counts[True], self._counts[False]
        seconds = end - self._thief.first
        return Theft(outcome, seconds, max(0.0, shared), by_thief, by_victim, self._turns)


def _run_chunk(work: tuple[Cell, int, int, int]) -> Tally:
    cell, seed, first, last = work
    simulate = run_theft if cell.habits else run_day
    tally = Tally()
    with constants(cell):
        for index in range(first, last):
            tally.add(simulate(cell, seed, index))
    return tally


def run_cell(cell: Cell, seed: int, pool: multiprocessing.pool.Pool | None = None) -> Tally:
    """Simulate a cell; the result depends on the seed, not on the number of processes.

    Args:
        cell: what is simulated.
        seed: of the run.
        pool: processes to do it in; without one it is done here.

    Returns:
        The sum of all days.
    """
    work = [
        (cell, seed, first, min(first + CHUNK, cell.days)) for first in range(0, cell.days, CHUNK)
    ]
    tally = Tally()
    for part in pool.imap(_run_chunk, work) if pool else map(_run_chunk, work):
        tally.add(part)
    return tally
