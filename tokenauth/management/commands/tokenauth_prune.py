"""Remove sessions that are over, old rows of the audit trail and old statistics."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tokenauth import system
from tokenauth.conf import config
from tokenauth.exceptions import TryAgain
from tokenauth.management.arguments import seconds, whole_number
from tokenauth.management.progress import Bar
from tokenauth.pruning import (
    BATCH_SIZE,
    MAX_BATCH_SIZE,
    MOST_COUNTED,
    Rows,
    count_due,
    prune,
)
from tokenauth.statistics import gather

__all__ = ["Command"]


class Command(BaseCommand):
    """Prune, and say in one line what went; ``--verbosity 0`` says nothing but errors."""

    help = (
        "Remove the sessions whose absolute end has passed, with their history, the events and "
        "statistics that are older than TOKENAUTH_EVENT_RETENTION, and failed logins older than "
        "TOKENAUTH_FAILED_LOGIN_RETENTION; erase personal data that is older than "
        "TOKENAUTH_PERSONAL_DATA_RETENTION, if that is set. What the statistics count is counted "
        "before it goes. Safe beside live traffic, and beside itself; run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what bounds a run."""
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would go, and change nothing"
        )
        parser.add_argument(
            "--max-seconds",
            type=seconds,
            metavar="SECONDS",
            help="begin no further batch after this time; the next run goes on from there",
        )
        parser.add_argument(
            "--batch-size",
            type=whole_number(1, MAX_BATCH_SIZE),
            default=BATCH_SIZE,
            metavar="ROWS",
            help=f"rows in one statement, 1 to {MAX_BATCH_SIZE:,} (default: %(default)s)",
        )

    def handle(
        self,
        *,
        dry_run: bool,
        max_seconds: float | None,
        batch_size: int,
        verbosity: int,
        **_options: Any,
    ) -> None:
        """Prune, or count."""
        if dry_run:
            self._say(verbosity, f"Would remove {_describe(count_due())}.")
            return
        watched = verbosity > 0 and self.stderr.isatty()
        bar = Bar(self.stderr, count_due().total, "rows") if watched else None
        began = system.monotonic()
        try:
            gather(max_seconds=max_seconds)
            if max_seconds is not None:
                max_seconds = max(0.0, max_seconds - (system.monotonic() - began))
            done = prune(
                batch_size=batch_size,
                max_seconds=max_seconds,
                progress=(lambda gone: bar.show(gone.total)) if bar else None,
            )
        except TryAgain as error:
            raise CommandError(
                "The database refused a batch three times. What was removed before stays "
                "removed; run the command again."
            ) from error
        finally:
            if bar:
                bar.close()
        said = f"Removed {_describe(done.removed)}."
        if config.personal_data_retention is not None:
            said += f" Erased personal data from {done.removed.erased:,} rows."
        if done.left.total:
            left = _describe(done.left, MOST_COUNTED)
            said += f" The time was over: {left} are left for the next run."
        self._say(verbosity, said)

    def _say(self, verbosity: int, text: str) -> None:
        if verbosity > 0:
            self.stdout.write(text)


def _describe(rows: Rows, most: int | None = None) -> str:
    """Return the numbers as text; from ``most`` on they were not counted further."""
    counts = (
        (rows.sessions, "sessions"),
        (rows.refresh_tokens, "rows of their history"),
        (rows.events, "events"),
        (rows.statistics, "rows of statistics"),
    )
    *others, last = (
        f"{count:,}{' or more' if count == most else ''} {name}" for count, name in counts
    )
    return f"{', '.join(others)} and {last}"
