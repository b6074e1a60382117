"""``python -m proofs.chaos``: see ``docs/proofs/chaos.md``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proofs.chaos.cluster import Cluster, cluster, find_binaries

if TYPE_CHECKING:
    from proofs.chaos.scenarios import Stage
    from proofs.chaos.server import Server

USERS = 5000
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
    Round("grace 1 s, sync workers, a connection for each request", 1, "sync", False, 2, True),
    Round("default grace, threads, kept connections", None, "gthread", True, -2, False),
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proofs.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="least kills in each round")
    parser.add_argument("--seconds", type=float, default=60, help="least seconds of each round")
    parser.add_argument("--gaps", type=int, help="most gaps of each fault in a round; all without")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    options = _arguments()
    binaries = find_binaries()
    if binaries is None:
        print("This needs PostgreSQL's own programs (initdb, pg_ctl): postgresql on Debian.")
        return 2
    # PostgreSQL's user must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as name:  # noqa: S108 - random name
        directory = Path(name)
        directory.chmod(0o755)
        for part in ("cluster", *(str(number) for number in range(len(ROUNDS)))):
            (directory / part).mkdir()
        with cluster(directory / "cluster", binaries) as database:
            users = _install(database)
            breaches = sum(
                _run(one, directory / str(number), database, users, options)
                for number, one in enumerate(ROUNDS)
            )
    print(f"\n{breaches} breaches" if breaches else "\nEverything held.")
    return 1 if breaches else 0


def _install(database: Cluster) -> Iterator[str]:
    """Make tables and users; return the names of users that nobody has used yet."""
    os.environ["DATABASE_URL"] = database.url
    os.environ["DJANGO_SETTINGS_MODULE"] = "proofs.chaos.settings"
    import django  # noqa: PLC0415 - its settings are only known now
    from django.core.management import call_command  # noqa: PLC0415 - as above

    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415 - as above
    from django.contrib.auth.models import User  # noqa: PLC0415 - as above

    from proofs.chaos.client import PASSWORD  # noqa: PLC0415 - as above

    password = make_password(PASSWORD)
    names = [f"user-{number}" for number in range(USERS)]
    User.objects.bulk_create(User(username=name, password=password) for name in names)
    User.objects.create(username="staff", password=password, is_staff=True, is_superuser=True)
    return iter(names)


def _run(
    one: Round, directory: Path, database: Cluster, users: Iterator[str], options: argparse.Namespace
) -> int:
    """Run one round; return how many breaches there were."""
    from proofs.chaos.client import Line  # noqa: PLC0415 - needs Django's settings
    from proofs.chaos.invariants import check  # noqa: PLC0415 - as above
    from proofs.chaos.journal import Journal  # noqa: PLC0415 - as above
    from proofs.chaos.report import print_round  # noqa: PLC0415 - as above
    from proofs.chaos.server import server  # noqa: PLC0415 - as above
    from proofs.chaos.sweep import Sweep  # noqa: PLC0415 - as above

    print(f"\n## {one.title}", flush=True)
    started = time.monotonic()
    database.start_over()
    with server(directory, one.kind, one.environment(database.url)) as running:
        stage = _stage(Line(running.address, Journal()), database, users)
        sweep = Sweep(stage, running, options.seed)
        sweep.prepare(options.gaps)
        _storm(one, stage, running, sweep, options)
        running.wait_for_workers()
        database.restart("immediate")
        figures = check(stage)
        stage.line.close()
        breaches = print_round(stage.line.journal, running, database, sweep, figures)
        skewed = running.log().count("has a clock")
    print(f"\nworkers with a clock {one.skew} s off, one at a time: {skewed}")
    print(f"seconds: {time.monotonic() - started:.0f}", flush=True)
    return breaches


def _stage(line: Line, database: Cluster, users: Iterator[str]) -> Stage:
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs Django's settings
    from django.db import connection  # noqa: PLC0415 - as above

    from proofs.chaos.scenarios import Staff, Stage  # noqa: PLC0415 - as above

    staff = Staff(line, User.objects.get(username="staff"))
    # The database is about to be restarted under it.
    connection.close()
    return Stage(line, database, users, staff, [])


def _storm(
    one: Round, stage: Stage, running: Server, sweep: Sweep, options: argparse.Namespace
) -> None:
    """Traffic, chaos and the sweep, until there was enough of each."""
    from proofs.chaos.traffic import Browser, Monkey, Workers  # noqa: PLC0415 - as above

    stop, workers, started = threading.Event(), Workers(), time.monotonic()
    monkey = Monkey(running, stage.cluster, stop, every=OUTSIDE, seed=options.seed)
    workers.start(monkey.run)
    for number in range(4):
        transport = ("body", "cookie")[number % 2]
        browser = Browser(
            stage, transport, stop, takes_turns=one.takes_turns, seed=options.seed + number
        )
        workers.start(browser.run)
    sweepers = [workers.start(sweep.run) for _ in range(2)]
    while not workers.errors:
        kills = running.killed_outside + running.count_faults()["kill"]
        enough = kills >= options.kills and time.monotonic() - started >= options.seconds
        if enough and not any(thread.is_alive() for thread in sweepers):
            break
        time.sleep(0.2)
    stop.set()
    workers.join()


if __name__ == "__main__":
    sys.exit(main())
