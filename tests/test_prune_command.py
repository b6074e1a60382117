"""``manage.py tokenauth_prune``, as cron and people see it."""

from datetime import timedelta
from io import StringIO
from itertools import count
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db.models import F

from tests.conftest import Clock
from tests.test_pruning import DAY, NOTHING, fill, refusing
from tokenauth.models import AuthStatistic, RefreshToken
from tokenauth.pruning import count_due

ALL = "3 sessions, 9 rows of their history, 3 events and 0 rows of statistics"
NONE = "0 sessions, 0 rows of their history, 0 events and 0 rows of statistics"


class Terminal(StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        """Return true."""
        return True


def run(*arguments: str, stderr: StringIO | None = None) -> tuple[str, str]:
    """Run the command; return its standard output and its standard error."""
    stdout, stderr = StringIO(), stderr or StringIO()
    call_command("tokenauth_prune", *arguments, stdout=stdout, stderr=stderr, no_color=True)
    return stdout.getvalue(), stderr.getvalue()


@pytest.fixture
def due(db: None, clock: Clock) -> None:
    """Three sessions that are over, with three rows of history each, and three old events."""
    fill(3, ended=clock() - DAY)


class TestSummary:
    def test_is_one_line(self, due: None):
        """What went, and nothing on standard error."""
        assert run() == (f"Removed {ALL}.\n", "")
        assert count_due() == NOTHING

    def test_of_nothing(self, db: None):
        """Nothing to do is no error."""
        assert run()[0] == f"Removed {NONE}.\n"

    def test_is_silent_for_cron(self, due: None):
        """With --verbosity 0 even a terminal sees nothing."""
        assert run("--verbosity", "0", stderr=Terminal()) == ("", "")
        assert count_due() == NOTHING


class TestStatistics:
    def test_are_gathered_before_anything_goes(self, due: None, clock: Clock):
        """What is removed has been counted: the refreshes of the last 30 days, for example."""
        RefreshToken.objects.update(
            generation=F("generation") + 100, issued_at=clock() - timedelta(hours=5)
        )
        run()

        counted = AuthStatistic.objects.filter(measure="refresh")
        assert [row.count for row in counted] == [9]
        assert not RefreshToken.objects.exists()


class TestDryRun:
    def test_changes_nothing(self, due: None):
        """It counts what a run then removes."""
        before = count_due()

        assert run("--dry-run") == (f"Would remove {ALL}.\n", "")
        assert count_due() == before
        assert run()[0] == f"Removed {ALL}.\n"


class TestTime:
    def test_says_what_is_left(self, due: None):
        """A run whose time is over ends well, and the next one goes on."""
        said, _ = run("--max-seconds", "0")

        assert said == (f"Removed {NONE}. The time was over: {ALL} are left for the next run.\n")
        assert run("--max-seconds", "3600")[0] == f"Removed {ALL}.\n"

    def test_says_how_far_it_was_counted(self, due: None, monkeypatch: Any):
        """Above a number what is left is not counted, and the line says so."""
        for module in ("pruning", "management.commands.tokenauth_prune"):
            monkeypatch.setattr(f"tokenauth.{module}.MOST_COUNTED", 5)
        said, _ = run("--max-seconds", "0")

        assert "3 sessions, 5 or more rows of their history, 3 events and 0 rows of" in said


class TestProgress:
    def test_is_shown_on_a_terminal(self, due: None):
        """One line, written over, that ends full."""
        _, shown = run("--batch-size", "1", stderr=Terminal())

        assert shown.count("\n") == 1
        assert shown.count("\r") > 3
        assert shown.splitlines()[-1].endswith(f"[{'#' * 50}] 100 %  15 of 15 rows")

    def test_ends_its_line_when_the_time_is_over(self, due: None, monkeypatch: Any):
        """Half a bar is a line too."""
        monkeypatch.setattr(
            "tokenauth.management.commands.tokenauth_prune.gather", lambda **_: None
        )
        monkeypatch.setattr("tokenauth.system.monotonic", count().__next__)
        _, shown = run("--batch-size", "1", "--max-seconds", "4", stderr=Terminal())

        assert shown.endswith("rows\n")
        assert "100 %" not in shown

    def test_of_nothing(self, db: None):
        """No bar at all."""
        assert run(stderr=Terminal())[1] == ""


class TestOptions:
    @pytest.mark.parametrize(
        "options",
        [
            *(("--batch-size", size) for size in ("0", "-1", "10001", "many")),
            *(("--max-seconds", time) for time in ("-1", "nan", "inf", "soon")),
        ],
    )
    def test_are_checked(self, db: None, options: tuple[str, str]):
        """A number that makes no sense is refused before anything happens."""
        with pytest.raises(CommandError):
            run(*options)

    def test_batch_size_counts(self, due: None):
        """It bounds each step."""
        _, shown = run("--batch-size", "3", stderr=Terminal())

        assert shown.startswith(f"\r[{'#' * 10:<50}]  20 %  3 of 15 rows")


class TestFailures:
    @pytest.mark.django_db(transaction=True)
    def test_of_the_database_are_one_line(self, due: None):
        """Refused three times: an error that says what to do, no traceback."""
        with refusing(3), pytest.raises(CommandError, match="run the command again"):
            run()

        assert count_due().sessions == 3

    def test_of_settings_stop_it(self, due: None, settings: Any):
        """With a wrong retention nothing is removed."""
        settings.TOKENAUTH_EVENT_RETENTION = DAY / 2
        with pytest.raises(SystemCheckError, match=r"tokenauth\.E015"):
            call_command("tokenauth_prune", skip_checks=False)

        assert count_due().sessions == 3
