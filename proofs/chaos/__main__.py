"""``python -m proofs.chaos``: see ``docs/proofs/chaos.md``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

import django
from django.core.management import call_command

from proofs.chaos.cluster import Cluster
from proofs.postgresql import find_binaries

NO_POSTGRESQL = 3
"""The exit code where PostgreSQL's programs are not installed; 1 is for a breach."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proofs.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="least kills in each round")
    parser.add_argument("--seconds", type=float, default=60, help="least seconds of each round")
    parser.add_argument("--gaps", type=int, help="most gaps of each fault in a round; all without")
    parser.add_argument("--only", nargs="+", help="kinds of request whose gaps are hit")
    parser.add_argument("--round", type=int, choices=(1, 2), help="this round only")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    """Run it; return the exit code."""
    options = _arguments()
    # Whoever ends this also ends the server and the cluster that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    binaries = find_binaries()
    if binaries is None:
        print("This needs PostgreSQL's own programs (initdb, pg_ctl): postgresql on Debian.")
        return NO_POSTGRESQL
    # PostgreSQL's user must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        (directory / "cluster").mkdir()
        with Cluster.made(directory / "cluster", binaries) as database:
            breaches = _run(directory, database, options)
    print(f"\n{breaches} breaches" if breaches else "\nEverything held.")
    return 1 if breaches else 0


def _run(directory: Path, database: Cluster, options: argparse.Namespace) -> int:
    """Run all rounds; return how many breaches there were."""
    os.environ["DATABASE_URL"] = database.url()
    os.environ["DJANGO_SETTINGS_MODULE"] = "proofs.chaos.settings"
    django.setup()
    call_command("migrate", verbosity=0)
    # Models can be imported only now, and most of the rest needs them.
    from proofs.chaos.rounds import ROUNDS, make_users, run_round  # noqa: PLC0415

    users, breaches = make_users(), 0
    for number, one in enumerate(ROUNDS, start=1):
        if options.round not in {None, number}:
            continue
        own = directory / str(number)
        own.mkdir()
        breaches += run_round(one, own, database, users, options)
    return breaches


if __name__ == "__main__":
    sys.exit(main())
