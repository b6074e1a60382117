"""``manage.py tokenauth_stats``, as people and programs see it."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.conftest import Clock
from tests.domain import refresh, start
from tests.test_pruning import refusing
from tokenauth import sessions
from tokenauth.models import AuthSession, AuthStatistic


def run(*arguments: str) -> str:
    """Run the command; return what it prints."""
    stdout = StringIO()
    call_command("tokenauth_stats", *arguments, stdout=stdout, no_color=True)
    return stdout.getvalue()


def line(text: str, label: str) -> list[str]:
    """Return the figures beside a label of the table."""
    found = [row for row in text.splitlines() if row.strip().startswith(label)]
    return found[0].strip().removeprefix(label).split()


@pytest.fixture
def busy(user: User, clock: Clock, settings: Any) -> None:
    """Something today, something last week and something of three weeks ago."""
    settings.TIME_ZONE = "UTC"
    clock.time = clock.time.replace(hour=18, minute=30, second=0)
    end = clock.time
    for age, count in ((21, 1), (3, 2), (0, 3)):
        clock.time = end - timedelta(days=age, hours=4)
        for _ in range(count):
            tokens = start(user)
            clock.advance(minutes=1)
            refresh(tokens)
    AuthSession.objects.update(device_kind="phone")
    sessions.revoke_user_sessions(user, reason="lost")
    clock.time = end


class TestTable:
    def test_has_three_columns(self, busy: None):
        """Today, 7 days and 30 days, each with all that is younger."""
        text = run()

        assert text.splitlines()[0].split() == ["today", "7", "days", "30", "days"]
        assert line(text, "Sign-ins") == ["3", "5", "6"]
        assert line(text, "Refreshes") == ["3", "5", "6"]
        assert line(text, "Sessions revoked") == ["5", "5", "5"]
        assert line(text, "lost") == ["5", "5", "5"]
        assert line(text, "app") == line(text, "phone") == ["3", "5", "6"]

    def test_says_how_many_are_active(self, user: User, clock: Clock):
        """The gauge, and when it was read."""
        start(user)

        assert "1 active sessions, counted after " in run()

    def test_of_nothing(self, db: None, clock: Clock):
        """Zeros, and no error."""
        text = run()

        assert line(text, "Sign-ins") == ["0", "0", "0"]
        assert "0 active sessions" in text

    def test_counts_the_present_too(self, user: User, clock: Clock):
        """What happened a second ago is in it."""
        start(user)

        assert line(run(), "Sign-ins") == ["1", "1", "1"]

    def test_is_one_plain_line_for_each_key(self, user: User, clock: Clock):
        """A client's name with control characters breaks no line of the table."""
        start(user)
        AuthSession.objects.update(client="a\n\x1b[31m")

        assert line(run(), "a??[31m") == ["1", "1", "1"]

    def test_is_silent_for_cron(self, user: User, clock: Clock):
        """With --verbosity 0 it counts, and prints nothing."""
        start(user)

        assert run("--verbosity", "0") == ""
        assert AuthStatistic.objects.filter(measure="active").exists()


class TestSince:
    @pytest.mark.parametrize(("days", "expected"), [(0, 3), (4, 5), (25, 6)])
    def test_is_one_column(self, busy: None, clock: Clock, days: int, expected: int):
        """From the beginning of that day in the project's time zone."""
        day = (clock() - timedelta(days=days)).date().isoformat()
        text = run("--since", day)

        assert text.splitlines()[0].split() == ["since", day, "00:00"]
        assert line(text, "Sign-ins") == [str(expected)]

    def test_takes_a_time(self, busy: None, clock: Clock):
        """With its offset, or without."""
        for moment in (clock().isoformat(), f"{clock():%Y-%m-%d %H:%M}"):
            assert line(run("--since", moment), "Sign-ins") == ["0"]

    @pytest.mark.parametrize("text", ["soon", "2026-13-01", "2026-02-30T00:00", "99"])
    def test_must_be_a_time(self, db: None, text: str):
        """Anything else is refused before anything happens."""
        with pytest.raises(CommandError, match="not a date"):
            run("--since", text)

    def test_must_have_passed(self, db: None):
        """The future has no figures; nothing is counted either."""
        with pytest.raises(CommandError, match="has passed"):
            run("--since", "2999-01-01")
        assert not AuthStatistic.objects.exists()


class TestJson:
    def test_is_the_same_for_programs(self, busy: None, clock: Clock):
        """Every figure of the table, under a name."""
        found = json.loads(run("--json"))

        assert set(found["periods"]) == {"today", "7 days", "30 days"}
        today = found["periods"]["today"]
        assert today.pop("since") == clock().replace(hour=0, minute=0).isoformat()
        assert today == {
            "sign_ins": 3,
            "new_devices": 0,
            "failures": 0,
            "step_ups": 0,
            "refreshes": 3,
            "late_answers": 0,
            "reuse": 0,
            "revocations": {"lost": 5},
            "clients": {"app": 3},
            "device_kinds": {"phone": 3},
        }
        assert (found["active_sessions"], found["complete_until"]) == (0, clock().isoformat())

    def test_says_what_is_missing(self, busy: None):
        """With no time to count, nothing is known, and that is said."""
        found = json.loads(run("--json", "--max-seconds", "0"))

        assert found["complete_until"] is None
        assert found["active_sessions"] is None


class TestTime:
    def test_that_is_over_is_said(self, busy: None, clock: Clock, monkeypatch: pytest.MonkeyPatch):
        """What is not counted yet is not passed off as nothing."""
        ticks = iter(range(100))
        monkeypatch.setattr("tokenauth.system.monotonic", lambda: next(ticks))
        text = run("--max-seconds", "3")

        assert "run the command again for the rest" in text
        assert line(text, "Sign-ins") == ["0", "0", "1"]

    def test_of_which_there_was_none(self, busy: None):
        """Not even the active sessions were counted."""
        assert "have not been counted yet" in run("--max-seconds", "0")

    @pytest.mark.parametrize("time", ["-1", "nan", "inf", "soon"])
    def test_is_checked(self, db: None, time: str):
        """A number that makes no sense is refused."""
        with pytest.raises(CommandError):
            run("--max-seconds", time)


class TestFailures:
    @pytest.mark.django_db(transaction=True)
    def test_of_the_database_are_one_line(self, busy: None):
        """Refused three times: an error that says what to do, no traceback."""
        with (
            refusing(3, "INSERT", "statistic"),
            pytest.raises(CommandError, match="run the command again"),
        ):
            run()
