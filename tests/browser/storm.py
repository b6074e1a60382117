"""``python -m tests.browser.storm``: all of the storm, into docs/proofs/browser.md.

Ends with 1 if any promise was broken.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from tests.browser import faults, fetches, logins, restored
from tests.browser.server import Server
from tests.browser.stage import Record, Stage
from tests.chromium import launched
from tests.demo.server import ROOT

Scenario = Callable[[Stage], Record]

PAGE = ROOT / "docs" / "proofs" / "browser.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def scenarios(share: float) -> dict[str, Scenario]:
    """Return all scenarios by what the page calls them; ``share`` of the rounds, at least one."""

    def often(rounds: int) -> int:
        return max(1, round(rounds * share))

    return {
        "10 tabs restored at once": lambda s: restored.restored(s, often(50)),
        "the same without Web Locks": lambda s: restored.restored(s, often(50), locks=False),
        "10 tabs woken at once, each with an expired access token": lambda s: restored.woken(
            s, often(20)
        ),
        "20 reloads as fast as possible": lambda s: faults.hurried(s, often(20)),
        "20 reloads, each when the server has answered the refresh": lambda s: faults.interrupted(
            s, often(10)
        ),
        "5 tabs, all messages delayed": lambda s: faults.delayed(s, often(20), locks=True),
        "the same without Web Locks, so that answers overtake each other": lambda s: faults.delayed(
            s, often(20), locks=False
        ),
        "1, 2 or 3 refresh answers lost in a row": lambda s: faults.lost(s, often(30)),
        "an answer lost, the page left, and back after an hour": lambda s: faults.late(
            s, often(10)
        ),
        "server killed and started again under 3 busy tabs": lambda s: faults.restarted(
            s, often(10)
        ),
        "an hour: the processes stand still, the session ages": lambda s: faults.slept(
            s, often(10), jump=False
        ),
        "an hour: the pages' clocks jump, each timer fires at most once": lambda s: faults.slept(
            s, often(10), jump=True
        ),
        "logout in one of 6 tabs, half of them busy": lambda s: _at_once(
            logins.logged_out(s, often(20))
        ),
        "logout, a refresh of another tab on its way": lambda s: logins.answered_late(
            s, often(10), "tab"
        ),
        "the same without Web Locks and BroadcastChannel": lambda s: logins.answered_late(
            s, often(10), "alone"
        ),
        "logout, a refresh that no client can stop on its way": lambda s: logins.answered_late(
            s, often(10), "script"
        ),
        "login among 4 refreshes with a dead cookie": lambda s: logins.logged_in(
            s, often(20), "race"
        ),
        "the same, the first refresh answered after the login": lambda s: logins.logged_in(
            s, often(5), "held"
        ),
        "the same without Web Locks, all 4 answered after it": lambda s: logins.logged_in(
            s, often(10), "alone"
        ),
        "a visitor who never logged in": lambda s: logins.visited(s, often(5)),
        "calls of client.fetch beside fetch": lambda s: fetches.compared(s)[0],
        "bodies sent with an access token that the server refuses": fetches.repeated,
        "one of two calls that wait for a refresh aborted": lambda s: fetches.aborted(s, often(20)),
    }


def _at_once(record: Record) -> Record:
    longest = record.figures["longest until all tabs showed it (ms)"]
    record.must(longest <= logins.AT_ONCE_MS, f"until all tabs showed it: {longest} ms")
    return record


def main() -> int:
    """Run what was asked for, print it, and write the page if that was asked for."""
    words = _arguments()
    began, rows, broken = time.monotonic(), [], []
    with (
        tempfile.TemporaryDirectory(prefix="storm-") as folder,
        launched() as browser,
        closing(Server(Path(folder))) as server,
        closing(Stage(browser, server)) as stage,
    ):
        for name, scenario in scenarios(words.share).items():
            if words.only not in name:
                continue
            try:
                record = scenario(stage)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                broken.append(f"{name}: {type(error).__name__}: {error}")
                continue
            rows.append(f"| {name} | {_figures(record)} |")
            broken += [f"{name}: {what}" for what in record.broken]
            print(rows[-1], flush=True)
        head = _head(browser.version, time.monotonic() - began)
        broken += server.complaints()
    print(f"{len(broken)} broken", *broken, sep="\n")
    if words.write:
        _write(head, rows, broken)
    return 1 if broken else 0


def _figures(record: Record) -> str:
    return ", ".join(f"{name} {number:g}" for name, number in record.figures.items())


def _head(chromium: str, took: float) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    versions = ", ".join(f"{name} {version(name)}" for name in ("django", "gunicorn", "playwright"))
    return (
        f"Measured at commit `{commit}` in {took:.0f} s on {os.cpu_count()} CPUs (load "
        f"{os.getloadavg()[2]:.1f} over 15 minutes: the machine was shared), {platform.system()}, "
        f"Python {platform.python_version()}, {versions}, Chromium {chromium}."
    )


def _write(head: str, rows: list[str], broken: list[str]) -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    verdict = "Nothing was broken." if not broken else "Broken:\n\n- " + "\n- ".join(broken)
    table = ["| scenario | figures |", "| --- | --- |", *rows]
    measured = "\n\n".join([head, verdict, "\n".join(table)])
    PAGE.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.storm", description=str(__doc__).strip()
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the rounds (1)")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--write", action="store_true", help="write docs/proofs/browser.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
