"""Measure, and write ``docs/benchmarks/scale.md``."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.scale.settings"
django.setup()

from benchmarks.scale import clean_up, console, crowd, growth, latency, revoke  # noqa: E402 - after the setup
from benchmarks.scale.databases import drop, environment, make  # noqa: E402 - as above
from benchmarks.scale.loading import Lot, add_users, load, settle  # noqa: E402 - as above
from benchmarks.scale.report import write  # noqa: E402 - as above
from benchmarks.scale.variety import load_variety  # noqa: E402 - as above

DAYS = timedelta(days=29)


def _lots(options: argparse.Namespace) -> dict[str, Lot]:
    """Load both databases, unless they are there from an earlier run."""
    lots = {}
    for alias, count in (("small", options.few), ("large", options.many)):
        first = datetime.now(UTC).replace(microsecond=0) - DAYS
        lots[alias] = Lot(alias, count, first, DAYS, max(count // 10, 100))
        make(alias)
        add_users(alias, lots[alias].users)
        load(alias, lots[alias])
        settle(alias)
    return lots


def _varied_lots(options: argparse.Namespace) -> dict[str, Lot]:
    """Load sessions as a site has them into both databases of the console."""
    lots, span = {}, timedelta(days=45)
    for alias, count in (("console_small", options.few), ("console_large", options.many)):
        first = datetime.now(UTC).replace(microsecond=0) - span
        lots[alias] = Lot(alias, count, first, span, max(count // 10, 100))
        make(alias)
        add_users(alias, lots[alias].users)
        load_variety(alias, lots[alias])
        settle(alias)
    return lots


def measure(section: str, options: argparse.Namespace) -> list[str]:
    """Return the lines of one section."""
    if section == "latency":
        return latency.describe(_lots(options), options.rounds)
    if section == "console":
        return console.describe(_varied_lots(options), options.requests)
    if section == "growth":
        return growth.describe(options.sessions)
    if section == "revoke":
        return revoke.describe(options.revoked)
    if section == "crowd":
        return crowd.describe(options.turns)
    return clean_up.describe(options.ended)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    sections = {
        "latency": ("small", "large"),
        "console": ("console_small", "console_large"),
        "growth": ("growth",),
        "clean-up": ("pruning",),
        "revoke": ("revoking",),
        "crowd": ("crowd",),
    }
    parser.add_argument("sections", nargs="*", choices=[*sections, []], default=list(sections))
    parser.add_argument("--few", type=int, default=10_000, help="sessions in the small table")
    parser.add_argument("--many", type=int, default=10_000_000, help="and in the large one")
    parser.add_argument("--rounds", type=int, default=3000, help="refreshes for each figure")
    parser.add_argument("--requests", type=int, default=15, help="for each page of the admin")
    parser.add_argument("--sessions", type=int, default=100, help="that rotate 1,000 times")
    parser.add_argument("--ended", type=int, default=1_000_000, help="sessions to be removed")
    parser.add_argument("--revoked", type=int, default=100_000, help="sessions to be revoked")
    parser.add_argument("--turns", type=int, default=8, help="of each phase beside one busy user")
    options = parser.parse_args()
    for section in options.sections:
        try:
            lines = measure(section, options)
            write(section, [*lines, "", *environment()])
        finally:
            for alias in sections[section]:
                drop(alias)


if __name__ == "__main__":
    main()
