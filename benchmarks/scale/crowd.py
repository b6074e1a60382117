"""One user with 10,000 sessions is busy: how long do the others wait?

Three phases in turn, so that all are measured under the same weather: nobody else does anything,
neighbours act as many users, and they do just the same as the one user, in one session each.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import median, quantiles

from benchmarks.scale.databases import make, one, using
from benchmarks.scale.loading import Lot, add_users, load, settle
from benchmarks.scale.neighbour import ALONE, CROWD, HOT, OVER, SPREAD, Acts, keep_busy

__all__ = ["BOUND", "describe"]

NEIGHBOURS, TURN = 3, 3.0
"""How many processes, and seconds of each phase."""
ORDINARY, USERS, CROWDED = 30_000, 3000, 10_000
BOUND = 1.5
"""Wanted: the others' p95 beside the one user is at most so many times that beside many."""
PHASES = {ALONE: "alone", SPREAD: "beside many users", HOT: "beside the one"}

Samples = dict[tuple[str, int], list[float]]
spawn = multiprocessing.get_context("spawn")


def _load() -> tuple[Lot, Lot]:
    make(CROWD)
    first, span = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9), timedelta(days=8)
    ordinary = Lot("ordinary", ORDINARY, first, span, USERS)
    crowded = Lot("crowded", CROWDED, first, span, 1)
    add_users(CROWD, USERS)
    for lot in (ordinary, crowded):
        load(CROWD, lot)
    settle(CROWD)
    return ordinary, crowded


def _measure(lots: tuple[Lot, Lot], rounds: int) -> Samples:
    phase, processes = spawn.Value("i", ALONE), NEIGHBOURS + 1
    ready = spawn.Barrier(processes)
    neighbours = [
        spawn.Process(target=keep_busy, args=(number, processes, lots, phase, ready))
        for number in range(NEIGHBOURS)
    ]
    for neighbour in neighbours:
        neighbour.start()
    samples: Samples = defaultdict(list)
    ready.wait(timeout=120)
    turns = Acts(lots[0], NEIGHBOURS, processes).turns()
    try:
        with using(CROWD):
            for _ in range(rounds):
                for phase.value in PHASES:
                    end = time.monotonic() + TURN
                    # The first acts may still meet the phase before.
                    for _name, act in islice(turns, 6):
                        act()
                    while time.monotonic() < end:
                        name, act = next(turns)
                        began = time.perf_counter()
                        act()
                        samples[name, phase.value].append((time.perf_counter() - began) * 1000)
    finally:
        phase.value = OVER
        for neighbour in neighbours:
            neighbour.join()
    return samples


def describe(rounds: int) -> list[str]:
    """Load, measure, and return the section of the report."""
    lots = _load()
    loads = [os.getloadavg()[0]]
    samples = _measure(lots, rounds)
    loads.append(os.getloadavg()[0])
    theirs = one(CROWD, "SELECT count(*) FROM tokenauth_authsession WHERE user_id = 1")
    lines = [
        f"| median, p95 (ms) | {' | '.join(PHASES.values())} | ratio of p95, one to many |",
        "| --- | --- | --- | --- | --- |",
    ]
    ratios = []
    for name in ("login", "list", "refresh"):
        found = {phase: _summary(samples[name, phase]) for phase in PHASES}
        ratios.append(found[HOT][1] / found[SPREAD][1])
        cells = " | ".join(f"{middle:.2f}, {high:.2f}" for middle, high in found.values())
        lines.append(f"| {name} | {cells} | **{ratios[-1]:.2f}** |")
    numbers = ", ".join(f"{len(samples['login', phase]):,} {PHASES[phase]}" for phase in PHASES)
    verdict = "kept" if max(ratios) <= BOUND else "missed"
    text = (
        f"Acts of others of {USERS:,} users with {ORDINARY:,} sessions, by the functions of the "
        f"domain, each in turn; {numbers} of each kind. Beside them {NEIGHBOURS} processes do the "
        "same without measuring: as any of those users, or all as one user with "
        f"{theirs:,} sessions at the end, each refreshing one session all the time. The login is "
        f"to a client with a limit of 3. {rounds} rounds of {TURN:.0f} s of each phase; load "
        f"average {loads[0]:.1f} before and {loads[1]:.1f} after."
    )
    bound = (
        f"- Wanted: a ratio of at most {BOUND}: **{verdict}**, the largest is {max(ratios):.2f}."
    )
    return [*lines, "", bound, "", text]


def _summary(samples: list[float]) -> tuple[float, float]:
    return median(samples), quantiles(samples, n=100, method="inclusive")[94]
