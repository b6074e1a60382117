"""Print what happened to sessions: sign-ins, failures, refreshes, reuse, revocations."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_current_timezone, is_naive, make_aware

from tokenauth import system
from tokenauth.audit import clean
from tokenauth.exceptions import TryAgain
from tokenauth.figures import Figures, Summary, read_figures, summarize
from tokenauth.management.arguments import seconds
from tokenauth.statistics import gather

__all__ = ["Command"]

_LINES = (
    ("sign_ins", "Sign-ins"),
    ("new_devices", "  on a new device"),
    ("failures", "Failed sign-ins"),
    ("step_ups", "Step-ups"),
    ("refreshes", "Refreshes"),
    ("late_answers", "Late answers"),
    ("reuse", "Refresh tokens reused"),
)
_GROUPS = (
    ("revocations", "Sessions revoked"),
    ("clients", "Sign-ins by client"),
    ("device_kinds", "Sign-ins by kind of device"),
)
_UNKNOWN = "(unknown)"


def _time(text: str) -> datetime:
    """Read a date or a time; without an offset it is in the project's time zone."""
    try:
        found = parse_datetime(text)
        if found is None and (day := parse_date(text)) is not None:
            found = datetime.combine(day, time())
    except ValueError:
        found = None
    if found is None:
        raise argparse.ArgumentTypeError("is not a date such as 2026-11-24, nor a date and time")
    return make_aware(found) if is_naive(found) else found


class Command(BaseCommand):
    """Count the hours that nobody has counted, and print a table, or JSON for programs."""

    help = (
        "Print how many sessions began, failed to begin, were refreshed and were revoked: today, "
        "in the last 7 and in the last 30 days. Counts the hours that nobody has counted yet "
        "first; run it hourly where the admin's overview is used and there are many sessions. "
        "Safe beside live traffic, and beside itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add from when on, how it is printed, and what bounds the counting."""
        parser.add_argument(
            "--since",
            type=_time,
            metavar="TIME",
            help="from this date, or date and time, on; instead of today, 7 days and 30 days",
        )
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="print JSON, for programs"
        )
        parser.add_argument(
            "--max-seconds",
            type=seconds,
            metavar="SECONDS",
            help="count no further hour after this time; the next run goes on from there",
        )

    def handle(
        self,
        *,
        since: datetime | None,
        as_json: bool,
        max_seconds: float | None,
        verbosity: int,
        **_options: Any,
    ) -> None:
        """Count, and print."""
        now = system.now()
        starts = _starts(since, now)
        try:
            gather(now, max_seconds=max_seconds)
        except TryAgain as error:
            raise CommandError(
                "The database refused three times. What was counted before stays; run the "
                "command again."
            ) from error
        figures = read_figures(min(starts.values()), now)
        columns = {name: summarize(figures, start) for name, start in starts.items()}
        if as_json:
            self.stdout.write(_as_json(figures, starts, columns))
        elif verbosity > 0:
            for line in _as_table(figures, columns):
                self.stdout.write(line)


def _starts(since: datetime | None, now: datetime) -> dict[str, datetime]:
    if since is not None:
        if since > now:
            raise CommandError("--since is in the future: give a time that has passed.")
        local = since.astimezone(get_current_timezone())
        return {f"since {local:%Y-%m-%d %H:%M}": since}
    today = now.astimezone(get_current_timezone()).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return {
        "today": today,
        "7 days": now - timedelta(days=7),
        "30 days": now - timedelta(days=30),
    }


def _as_json(
    figures: Figures, starts: Mapping[str, datetime], columns: Mapping[str, Summary]
) -> str:
    active = figures.active
    return json.dumps(
        {
            "time": _iso(figures.now),
            "complete_until": _iso(figures.complete_until),
            "active_sessions": active.count if active else None,
            "active_sessions_hour": _iso(active.hour) if active else None,
            "periods": {
                name: {"since": _iso(starts[name]), **asdict(summary)}
                for name, summary in columns.items()
            },
        },
        indent=2,
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _as_table(figures: Figures, columns: Mapping[str, Summary]) -> Iterator[str]:
    rows = [("", list(columns))]
    rows += [
        (label, [f"{getattr(column, name):,}" for column in columns.values()])
        for name, label in _LINES
    ]
    for name, label in _GROUPS:
        rows += _group(label, [getattr(column, name) for column in columns.values()])
    first = max(len(label) for label, _ in rows)
    width = max(len(cell) for _, cells in rows for cell in cells)
    for label, cells in rows:
        yield f"{label:<{first}}  {'  '.join(f'{cell:>{width}}' for cell in cells)}".rstrip()
    yield ""
    zone = get_current_timezone()
    if figures.active is None:
        yield "Active sessions have not been counted yet."
    else:
        hour = figures.active.hour.astimezone(zone)
        yield f"{figures.active.count:,} active sessions, counted after {hour:%Y-%m-%d %H:%M}."
    if figures.complete_until is not None and figures.complete_until < figures.now:
        until = figures.complete_until.astimezone(zone)
        yield f"Counted until {until:%Y-%m-%d %H:%M}: run the command again for the rest."


def _group(label: str, columns: list[dict[str, int]]) -> Iterator[tuple[str, list[str]]]:
    yield label, [f"{sum(column.values()):,}" for column in columns]
    keys = dict.fromkeys(key for column in reversed(columns) for key in column)
    for key in keys:
        shown = clean(key, len(key)) or _UNKNOWN
        yield f"  {shown}", [f"{column.get(key, 0):,}" for column in columns]
