"""Measure logins that fail, in turns, and write ``docs/benchmarks/failures.md``."""

from __future__ import annotations

import argparse
import os
import random
import sys
from datetime import UTC, datetime

import django
import psycopg
from django.core.management import call_command
from django.db import connection

from benchmarks.processes import DEFAULT_URL, database, server_facts
from benchmarks.results import Slice

WARM_UP = 2


def _measure(rounds: int) -> dict[str, list[Slice]]:
    # Not before the database is made, which the settings name.
    from benchmarks.failures.logins import WAYS, attempt, make_users  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    make_users(WARM_UP + rounds)
    taken: dict[str, list[Slice]] = {way: [] for way in WAYS}
    for number in range(WARM_UP + rounds):
        for way in random.sample(list(WAYS), len(WAYS)):
            slice_ = attempt(way, number)
            if number >= WARM_UP:
                taken[way].append(slice_)
        print(f"\rround {number + 1} of {WARM_UP + rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    connection.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failures", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="each has every way once")
    parser.add_argument("--write", action="store_true", help="into the page")
    parser.add_argument(
        "--database",
        default=os.environ.get("POSTGRESQL_URL", DEFAULT_URL),
        help="a PostgreSQL URL of a role that may make databases; default %(default)s",
    )
    options = parser.parse_args()
    began = datetime.now(UTC)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    with (
        psycopg.connect(options.database, autocommit=True) as server,
        database(server, options.database, f"failures_{os.getpid()}") as url,
    ):
        os.environ["FAILURES_DATABASE_URL"] = url
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.failures.settings"
        django.setup()
        taken = _measure(options.rounds)
    from benchmarks.failures.report import render, write  # noqa: PLC0415 - as above

    section = render(taken, server_facts(options.database), began, load)
    print(section)
    if options.write:
        print(f"written to {write(section)}")


if __name__ == "__main__":
    main()
