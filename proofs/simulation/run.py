"""One browser-day, or one theft, from a seed; and many of them, in processes."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

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

CHUNK = 250
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
    world: World = World()
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
        requests: refreshes by both sides, his first one and the one that caught him included.
        most: the larger of the two sides' numbers.
        at_once: his first refresh ended it.
    """

    outcome: str
    seconds: float
    requests: int
    most: int
    at_once: bool


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
        protocol.MAX_LATE_RUN = cell.late_run  # type: ignore[misc]
    if cell.race is not None:
        protocol.RACE = timedelta(seconds=cell.race)  # type: ignore[misc]
    try:
        yield
    finally:
        protocol.MAX_LATE_RUN, protocol.RACE = kept  # type: ignore[misc]


def _place(cell: Cell, seed: int, index: int) -> tuple[Engine, Server, Browser]:
    random = Random(f"{seed}/{index}/network")
    engine, world = Engine(), cell.world
    server = Server(engine, world, random, RULES[cell.rule], world.slowness(random))
    return engine, server, Browser(engine, world, random, server, cell.behaviour, Row(0.0))


def _plan(engine: Engine, cell: Cell, seed: int, index: int, day: int, *rest: Any) -> None:
    days = Random(f"{seed}/{index}/day {day}")
    plan_day(engine, cell.world, days, *rest, start=day * DAY)
    if day + 1 < cell.horizon and cell.habits:
        engine.at((day + 1) * DAY, _plan, engine, cell, seed, index, day + 1, *rest)


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
    _plan(engine, cell, seed, index, 0, browser, server)
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
        follows_within=0.9 * grace,
    )
    row: Row = browser.jar[0]
    counts = {True: 0, False: 0}

    def decided(request: Request) -> None:
        by_thief = request.client.is_thief
        if thief.first is None and by_thief:
            thief.first = request.sent
        if thief.first is not None and request.token[0] is row:
            counts[by_thief] += 1
            engine.stopped = row.ended is not None

    def logged_out() -> None:
        engine.stopped = True

    server.decided, browser.on_logout = decided, logged_out
    _plan(engine, cell, seed, index, 0, browser, server)
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
    tally.thefts.append(_outcome(engine, thief, browser, row, counts))
    return tally


def _outcome(
    engine: Engine, thief: Thief, browser: Browser, row: Row, counts: dict[bool, int]
) -> Theft:
    outcome, end = "free", engine.now
    if row.ended is not None:
        outcome, end = "caught", row.ended
    elif thief.refused:
        outcome = "refused"
    elif browser.logouts:
        outcome = "victim out"
    assert thief.first is not None
    both, most = counts[True] + counts[False], max(counts.values())
    return Theft(outcome, end - thief.first, both, most, both == 1)


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
