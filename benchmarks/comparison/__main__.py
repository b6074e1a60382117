"""Runs the comparison: ``python -m benchmarks.comparison --help``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks.comparison import report
from benchmarks.comparison.database import scratch_database
from benchmarks.comparison.registry import CANDIDATES, PROJECTS, SLOW

SERVER = "postgres://postgres@127.0.0.1:5432/comparison"


def run(name: str, rounds: int, server: str) -> dict[str, Any]:
    """Measure one candidate in a process and a database of its own."""
    with scratch_database(server, name) as url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"{PROJECTS}.{name}.settings",
            "COMPARISON_DATABASE_URL": url,
        }
        command = [sys.executable, "-m", "benchmarks.comparison.measure", name, str(rounds)]
        done = subprocess.run(
            command,
            cwd=report.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    result: dict[str, Any] = json.loads(done.stdout)
    report.keep(result)
    return result


def measured(names: list[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure candidates, those that mostly wait first; return their results in order."""
    kept = report.kept() if options.resume else {}
    todo = sorted((name for name in names if name not in kept), key=lambda name: name not in SLOW)
    with ThreadPoolExecutor(options.jobs) as pool:
        one = partial(run, rounds=options.rounds, server=options.server)
        results = kept | dict(zip(todo, pool.map(one, todo), strict=True))
    return [results[name] for name in names]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.comparison", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="how often each is looked at")
    parser.add_argument("--jobs", type=int, default=1, help="how many packages at a time")
    parser.add_argument("--server", default=os.environ.get("POSTGRESQL_URL", SERVER))
    parser.add_argument(
        "--only", action="append", choices=CANDIDATES, help="print these, and write nothing"
    )
    parser.add_argument(
        "--resume", action="store_true", help="take what a run that was stopped has measured"
    )
    parser.add_argument(
        "--check", action="store_true", help="only say whether the documents have the figures"
    )
    options = parser.parse_args()
    if options.check:
        stale = report.stale()
        for path in stale:
            print(f"not what the figures say: {path}")
        return 1 if stale else 0
    results = measured(options.only or [*CANDIDATES], options)
    if options.only:
        print(json.dumps(results, indent=2))
        return 0
    report.save(results)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
