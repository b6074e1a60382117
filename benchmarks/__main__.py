"""``python -m benchmarks``: compare, and write the tables into the document."""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime

from benchmarks.measure import measure
from benchmarks.processes import DEFAULT_URL, server_facts
from benchmarks.profiling import DEFAULTS, profile
from benchmarks.projects import CANDIDATES
from benchmarks.report import render, versions, write
from benchmarks.results import FULL, QUICK, Results


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it; writes no document")
    parser.add_argument("--write", action="store_true", help="write the document all the same")
    parser.add_argument("--cases", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--profile", choices=CANDIDATES, metavar="CASE", help="where time goes")
    parser.add_argument("--candidate", help="what to profile: a name of projects.CANDIDATES")
    parser.add_argument("--requests", type=int, default=1000, help="how many to profile")
    parser.add_argument(
        "--database",
        default=os.environ.get("POSTGRESQL_URL", DEFAULT_URL),
        help="a PostgreSQL URL of a role that may make databases; default %(default)s",
    )
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    if arguments.profile:
        candidate = arguments.candidate or DEFAULTS[arguments.profile]
        print(profile(arguments.profile, candidate, arguments.database, arguments.requests))
        return
    plan = QUICK if arguments.quick else FULL
    everything = set(arguments.cases) == set(CANDIDATES)
    results = Results()
    total = plan.starts * sum(plan.rounds[case] for case in arguments.cases)
    began = time.monotonic()
    for done, _ in enumerate(measure(plan, arguments.database, arguments.cases, results), 1):
        seconds = time.monotonic() - began
        print(f"\rround {done} of {total}, {seconds:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    facts = versions(server_facts(arguments.database), datetime.now(UTC))
    section = render(results, plan, facts)
    print(section)
    if arguments.write or (everything and not arguments.quick):
        print(f"written to {write(section)}")


if __name__ == "__main__":
    main()
