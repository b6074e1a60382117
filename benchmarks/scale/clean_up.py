"""A million sessions that are over go, while clients keep refreshing: how long does anybody wait?

Clean-up works and rests in turns, so that both are measured under the same weather.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from statistics import median, quantiles

from benchmarks.scale.databases import make, one
from benchmarks.scale.loading import HISTORY, Lot, add_users, load, settle
from benchmarks.scale.worker import (
    PAUSE,
    PRUNING,
    REST,
    SESSIONS_EACH,
    TURN,
    Turn,
    Work,
    keep_pruning,
    keep_refreshing,
)
from tokenauth.pruning import BATCH_SIZE

__all__ = ["CLIENTS", "describe", "meets", "row_of", "run_beside"]

CLIENTS = 8
spawn = multiprocessing.get_context("spawn")


def _load(count: int) -> Lot:
    make(PRUNING)
    now = datetime.now(UTC).replace(microsecond=0)
    living = Lot("living", CLIENTS * SESSIONS_EACH, now - timedelta(days=20), timedelta(19), 10_000)
    ended = Lot("ended", count, now - timedelta(days=62), timedelta(days=31), 10_000)
    add_users(PRUNING, 10_000)
    for lot in (ended, living):
        load(PRUNING, lot)
    settle(PRUNING)
    return living


def run_beside(
    work_done: Callable[[Connection], None], alias: str, lots: list[Lot]
) -> tuple[Work, list[tuple[float, float]], Counter[str]]:
    """Let clients refresh while something is done in a process of its own.

    Args:
        work_done: what; it answers with :class:`~benchmarks.scale.worker.Work`.
        alias: the database.
        lots: whose sessions are refreshed, in turn.

    Returns:
        That answer, when each refresh began and how long it took, and how often it failed.
    """
    over, pipes, processes = spawn.Event(), [], []
    for number in range(CLIENTS):
        here, there = spawn.Pipe(duplex=False)
        pipes.append(here)
        args = (number, alias, lots, over, there)
        processes.append(spawn.Process(target=keep_refreshing, args=args))
    here, there = spawn.Pipe(duplex=False)
    for process in (*processes, spawn.Process(target=work_done, args=(there,))):
        process.start()
    work: Work = here.recv()
    over.set()
    waits, errors = [], Counter[str]()
    for pipe in pipes:
        more, failed = pipe.recv()
        waits += more
        errors += failed
    for process in processes:
        process.join()
    return work, waits, errors


def describe(count: int) -> list[str]:
    """Load, clean up, and return the section of the report."""
    living = _load(count)
    loads = [os.getloadavg()[0]]
    work, waits, errors = run_beside(keep_pruning, PRUNING, [living])
    loads.append(os.getloadavg()[0])
    assert not [number for number in _left(living) if number]
    active = sum(turn.ended - turn.began for turn in work.turns)
    sessions, history, _ = (sum(turn.rows[kind] for turn in work.turns) for kind in range(3))
    assert (sessions, history) == (count, count * HISTORY)
    first = min(began for began, _ in waits)
    span = work.turns[-1].ended - max(first, work.turns[0].began - REST)
    beside = [wait for began, wait in waits if meets(began, wait, work.turns)]
    alone = [
        wait
        for began, wait in waits
        if not meets(began, wait, work.turns)
        and work.turns[0].began - REST / 2 < began < work.turns[-1].ended
    ]
    rate = f"{(sessions + history) / active:,.0f} rows, {sessions / active:,.0f} sessions a second"
    text = (
        f"{CLIENTS} client processes, each refreshing random sessions of its own "
        f"{SESSIONS_EACH:,}, with {PAUSE * 1000:.0f} ms of pause; clean-up in a process of its "
        f"own, {TURN:.0f} s of work and {REST:.0f} s of rest in turns, {span:,.0f} s in all; "
        f"batches of {BATCH_SIZE:,}. Load average {loads[0]:.1f} before and {loads[1]:.1f} after. "
        "Afterwards every living session was there, and no row of history without its session."
    )
    batches = (
        f"- {len(work.batches):,} batches: median {median(work.batches) * 1000:.0f} ms, the "
        f"longest {max(work.batches) * 1000:.0f} ms."
    )
    return [
        f"- **{sessions:,} sessions and {history:,} rows of history in {active:,.0f} s: {rate}**.",
        f"- Processor time: {work.seconds:.0f} s of the process that cleans up.",
        batches,
        f"- Peak memory: {work.memory[1] / 1024:.0f} MiB; {work.memory[0] / 1024:.0f} before.",
        f"- Answers other than a rotation: {errors['try_again']} `try_again`, no other.",
        "",
        "| a refresh by `rotate()` takes (ms) | number | median | p99 | p99.9 | **longest** |",
        "| --- | --- | --- | --- | --- | --- |",
        row_of("while clean-up works", beside),
        row_of("while it rests", alone),
        "",
        text,
    ]


def _left(living: Lot) -> Iterator[int]:
    """Return by how much the tables differ from what they must be."""
    sessions = one(PRUNING, "SELECT count(*) FROM tokenauth_authsession WHERE revoked_at IS NULL")
    yield int(sessions) - living.count
    yield one(
        PRUNING,
        "SELECT count(*) FROM tokenauth_refreshtoken t WHERE NOT EXISTS "
        "(SELECT FROM tokenauth_authsession s WHERE s.id = t.session_id)",
    )


def meets(began: float, wait: float, turns: list[Turn]) -> bool:
    """Return whether a refresh was under way while work was."""
    return any(began < turn.ended and began + wait > turn.began for turn in turns)


def row_of(name: str, waits: list[float]) -> str:
    """Return a line of the table of waits."""
    thousandths = quantiles(waits, n=1000, method="inclusive")
    figures = (median(waits), thousandths[989], thousandths[998], max(waits))
    shown = " | ".join(f"{figure * 1000:,.1f}" for figure in figures)
    return f"| {name} | {len(waits):,} | {shown} |"
