"""Measures one candidate, in a process of its own: ``python -m benchmarks.comparison.measure``.

``DJANGO_SETTINGS_MODULE`` and ``COMPARISON_DATABASE_URL`` are set by the program that starts it.
The result goes to standard output, as JSON; what happens meanwhile, to standard error.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import django
from django.core.management import call_command
from django.db import connection

from benchmarks.comparison.registry import CANDIDATES, PROJECTS

__all__ = ["measure"]


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Look at every behaviour of one candidate.

    Args:
        name: of the candidate's folder.
        rounds: how often.

    Returns:
        What :mod:`benchmarks.comparison.report` makes its tables from.
    """
    candidate = getattr(import_module(f"{PROJECTS}.{name}.client"), CANDIDATES[name])()
    call_command("migrate", verbosity=0)
    # For the apps that ship no migrations; their tables point at the others, and some of their
    # models are only found once the checks have imported the URLs.
    call_command("migrate", run_syncdb=True, verbosity=0, skip_checks=False)
    candidate.prepare()
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "server.log"
        try:
            figures = _figures(candidate, rounds, log)
        except Exception:
            print(log.read_text()[-4000:], file=sys.stderr)
            raise
    return {
        "name": name,
        "title": candidate.title,
        "distribution": candidate.distribution,
        "version": version(candidate.distribution),
        "configuration": candidate.configuration,
        "staff_way": candidate.staff_way,
        "rounds": rounds,
        "figures": figures,
        "environment": _environment(),
    }


def _figures(candidate: Any, rounds: int, log: Path) -> dict[str, dict[str, int] | None]:
    # These modules need the project's settings.
    behaviours = import_module("benchmarks.comparison.behaviours")
    lab = import_module("benchmarks.comparison.lab")
    server = import_module("benchmarks.comparison.server")
    figures: dict[str, dict[str, int] | None] = {}
    for atomic, group in ((False, behaviours.BEHAVIOURS), (True, behaviours.ATOMIC)):
        with (
            server.serve(log, atomic=atomic) as address,
            lab.open_lab(candidate, address, rounds) as opened,
        ):
            for key, behaviour in group.items():
                start = time.monotonic()
                if candidate.rotates or key not in behaviours.REFRESH_ONLY:
                    figures[key] = dict(behaviour(opened).most_common())
                else:
                    figures[key] = None
                spent = time.monotonic() - start
                line = f"{candidate.title}: {key}: {figures[key]} ({spent:.0f} s)"
                print(line, file=sys.stderr, flush=True)
    return figures


def _environment() -> dict[str, str]:
    connection.ensure_connection()
    postgresql = cast("Any", connection).pg_version
    return {
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "djangorestframework": version("djangorestframework"),
        "PostgreSQL": f"{postgresql // 10000}.{postgresql % 10000}",
    }


if __name__ == "__main__":
    assert os.environ["DJANGO_SETTINGS_MODULE"].startswith(PROJECTS)
    # Also when it is told to stop, its servers stop with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    django.setup()
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
