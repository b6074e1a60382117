"""The rounds: which server, under which settings, and what happens in each."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import connection

from proofs.chaos.client import PASSWORD
from proofs.chaos.cluster import Cluster
from proofs.chaos.invariants import check
from proofs.chaos.journal import Journal
from proofs.chaos.line import Line
from proofs.chaos.report import print_round
from proofs.chaos.server import Server, server
from proofs.chaos.stage import Staff, Stage
from proofs.chaos.sweep import Sweep
from proofs.chaos.traffic import Browser, Monkey, Workers

__all__ = ["ROUNDS", "Round", "make_users", "run_round"]

USERS = 5000
BROWSERS = 4
SWEEPERS = 6
OUTSIDE = 2.0
"""Seconds between two kills from outside, on average."""


@dataclass(frozen=True)
class Round:
    """One round: a server and how it is run.

    Attributes:
        title: for people.
        grace: ``TOKENAUTH_GRACE_PERIOD`` in seconds; the default for ``None``.
        kind: gunicorn's worker class.
        persistent: whether workers keep their connections.
        skew: how many seconds one worker's clock is off.
        takes_turns: whether the tabs of a browser refresh one after the other. They must where
            the grace is shorter than the difference of two clocks.
    """

    title: str
    grace: float | None
    kind: str
    persistent: bool
    skew: float
    takes_turns: bool

    def environment(self, database: str) -> dict[str, str]:
        """Return what the server's settings and configuration read."""
        grace = {} if self.grace is None else {"CHAOS_GRACE": str(self.grace)}
        persistent = {"CHAOS_PERSISTENT": "1"} if self.persistent else {}
        return {"DATABASE_URL": database, "CHAOS_SKEW": str(self.skew), **grace, **persistent}


ROUNDS = (
    Round(
        "grace 1 s, sync workers, a connection for each request",
        grace=1,
        kind="sync",
        persistent=False,
        skew=2,
        takes_turns=True,
    ),
    Round(
        "default grace, threads, kept connections",
        grace=None,
        kind="gthread",
        persistent=True,
        skew=-2,
        takes_turns=False,
    ),
)


def make_users() -> Iterator[str]:
    """Make users, all with one password, and one of staff; return their names, each once."""
    password = make_password(PASSWORD)
    names = [f"user-{number}" for number in range(USERS)]
    User.objects.bulk_create(User(username=name, password=password) for name in names)
    User.objects.create(username="staff", password=password, is_staff=True, is_superuser=True)
    return iter(names)


def run_round(
    one: Round,
    directory: Path,
    database: Cluster,
    users: Iterator[str],
    options: argparse.Namespace,
) -> int:
    """Run one round; return how many breaches there were.

    Args:
        one: the round.
        directory: an empty one, for logs.
        database: running, with tables.
        users: names that nobody has used yet.
        options: of the command line.
    """
    print(f"\n## {one.title}", flush=True)
    started = time.monotonic()
    database.start_over()
    with server(directory, one.kind, one.environment(database.url())) as running:
        line = Line(running.address, Journal())
        stage = Stage(line, database, users, Staff(line, User.objects.get(username="staff")), [])
        # The database is about to be restarted under it.
        connection.close()
        sweep = Sweep(stage, running, options.seed)
        sweep.prepare(options.gaps, options.only)
        _storm(one, stage, running, sweep, options)
        running.wait_for_workers()
        database.restart("immediate")
        figures = check(stage)
        line.close()
        breaches = print_round(line.journal, running, database, sweep, figures)
        skewed = running.log().count("has a clock")
    print(f"\nworkers with a clock {one.skew} s off, one at a time: {skewed}")
    print(f"seconds: {time.monotonic() - started:.0f}", flush=True)
    return breaches


def _storm(
    one: Round, stage: Stage, running: Server, sweep: Sweep, options: argparse.Namespace
) -> None:
    """Traffic, chaos and the sweep, until there was enough of each."""
    stop, workers, started = threading.Event(), Workers(), time.monotonic()
    monkey = Monkey(running, stage.cluster, stop, every=OUTSIDE, seed=options.seed)
    workers.start(monkey.run)
    for number in range(BROWSERS):
        transport = ("body", "cookie")[number % 2]
        browser = Browser(
            stage, transport, stop, takes_turns=one.takes_turns, seed=options.seed + number
        )
        workers.start(browser.run)
    sweepers = [workers.start(sweep.run) for _ in range(SWEEPERS)]
    while not workers.errors:
        kills = running.killed_outside + running.count_faults()["kill"]
        enough = kills >= options.kills and time.monotonic() - started >= options.seconds
        if enough and not any(thread.is_alive() for thread in sweepers):
            break
        time.sleep(0.2)
    stop.set()
    workers.join()
