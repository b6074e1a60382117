"""``python -m proofs.revocation``: all of it, or some parts of it; see ``--help``.

Ends with 1 if anything was violated, and with 3 where PostgreSQL's programs are not installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import django

from proofs.postgresql import find_binaries
from proofs.revocation.cluster import Cluster

PARTS = (
    "servers",
    "list",
    "starts",
    "stopped",
    "forks",
    "bulk",
    "away",
    "cut",
    "network",
    "statements",
)


def main() -> int:
    words = _arguments()
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL's programs (initdb, pg_ctl) are needed, and are not here")
        return 3
    with tempfile.TemporaryDirectory(prefix="revocation-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's user must be able to reach its own below it
        data = Path(folder) / "postgresql"
        data.mkdir()
        with Cluster.made(data, binaries) as database:
            os.environ["DATABASE_URL"] = database.url()
            os.environ["DJANGO_SETTINGS_MODULE"] = "proofs.revocation.settings"
            django.setup()
            return _run(words, database, Path(folder))


def _run(words: argparse.Namespace, database: Cluster, folder: Path) -> int:
    # Only now: these modules need the settings.
    from django.core.management import call_command  # noqa: PLC0415 - as said

    from proofs.revocation import burdens, outages, visibility  # noqa: PLC0415 - as said
    from proofs.revocation.place import Place  # noqa: PLC0415 - as said
    from proofs.revocation.report import Report  # noqa: PLC0415 - as said

    call_command("migrate", verbosity=0)
    report, place, count = Report(), Place(database, folder), words.revocations
    few = max(3, count // 5)
    parts = {
        "servers": lambda: visibility.every_server(report, place, count),
        "list": lambda: visibility.list_cases(report, place, few),
        "starts": lambda: visibility.new_processes(report, place, few),
        "stopped": lambda: visibility.stopped_process(report, place, 3),
        "forks": lambda: outages.forks(report, place),
        "bulk": lambda: burdens.bulk(report, place, burdens.SIZES),
        "away": lambda: outages.away(report, place),
        "cut": lambda: outages.cut(report, place, 3),
        "network": lambda: outages.slow_network(report, place, few),
        "statements": lambda: burdens.statements(report, place, words.requests),
    }
    began = time.monotonic()
    for part in words.parts or PARTS:
        parts[part]()
    took = time.monotonic() - began
    if words.write:
        report.write(_head(database, took, count))
    found = len(report.violations)
    print(f"{took:.0f} s, {found} violations", *report.violations, sep="\n")
    return 1 if found else 0


def _head(database: Cluster, took: float, count: int) -> str:
    (server,) = database.query("SHOW server_version")[0]
    names = ("django", "djangorestframework", "gunicorn", "uvicorn", "psycopg")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"Measured at commit `{commit}` in {took:.0f} s on {os.cpu_count()} CPUs (load "
        f"{os.getloadavg()[2]:.1f} over 15 minutes: the machine was shared), {platform.system()}, "
        f"Python {platform.python_version()}, {versions}, PostgreSQL {server.split()[0]}; "
        f"`--revocations {count}`."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m proofs.revocation", description=str(__doc__).strip()
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--revocations", type=int, default=50, help="of each kind (50)")
    parser.add_argument("--requests", type=int, default=10_000, help="to count statements of")
    parser.add_argument("--write", action="store_true", help="write docs/proofs/revocation.md")
    words = parser.parse_args()
    if unknown := set(words.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return words


if __name__ == "__main__":
    sys.exit(main())
