"""``manage.py tokenauth_revoke``, as cron and people see it."""

import builtins
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from tests.conftest import Clock
from tests.domain import end_reason, is_usable, row, start
from tests.test_bulk import alive, fill, refuse
from tests.test_prune_command import Terminal
from tokenauth.audit import Origin
from tokenauth.models import AuthEvent, AuthSession, EventType
from tokenauth.revocation import revoke_session

BOTH = "2 sessions of 2 users"


def run(*arguments: str, stderr: StringIO | None = None) -> tuple[str, str]:
    """Run the command; return its standard output and its standard error."""
    stdout, stderr = StringIO(), stderr or StringIO()
    call_command("tokenauth_revoke", *arguments, stdout=stdout, stderr=stderr, no_color=True)
    return stdout.getvalue(), stderr.getvalue()


def answer(monkeypatch: pytest.MonkeyPatch, *said: str) -> list[str]:
    """Answer the question; return the questions as they come."""
    questions: list[str] = []

    def reply(question: str) -> str:
        questions.append(question)
        if not said:
            raise EOFError
        return said[0]

    monkeypatch.setattr(builtins, "input", reply)
    return questions


@pytest.fixture
def two(user: User, clock: Clock) -> tuple[AuthSession, AuthSession]:
    """Ada's session at 10.1.2.3, and, a day later, Bob's at 192.0.2.1."""
    hers = row(start(user, origin=Origin("10.1.2.3")))
    clock.advance(days=1)
    bob = User.objects.create_user("bob")
    return hers, row(start(bob, origin=Origin("192.0.2.1")))


class TestWhose:
    def test_a_users(self, two: Any) -> None:
        """By the name to log in with."""
        assert run("--user", "ada", "--yes") == ("Revoked 1 session of 1 user.\n", "")
        assert alive() == {two[1].pk}

    def test_a_groups(self, two: Any, user: User) -> None:
        """By its name."""
        user.groups.add(Group.objects.create(name="field staff"))
        run("--group", "field staff", "--yes")
        assert alive() == {two[1].pk}

    @pytest.mark.parametrize("network", ["10.1.2.3", "10.1.0.0/16", "::ffff:10.1.2.3"])
    def test_a_networks(self, two: Any, network: str) -> None:
        """An address or a network."""
        run("--address", network, "--yes")
        assert alive() == {two[1].pk}

    def test_everyones(self, two: Any) -> None:
        """All of them, superusers' too: whoever has a shell may."""
        assert run("--all", "--no-input")[0] == f"Revoked {BOTH}.\n"
        assert alive() == set()

    def test_the_older_ones(self, two: Any, clock: Clock) -> None:
        """Before a time, of everyone."""
        run("--before", (clock() - timedelta(hours=1)).isoformat(), "--yes")
        assert alive() == {two[1].pk}

    def test_the_older_ones_of_a_user(self, two: Any, user: User, clock: Clock) -> None:
        """Before a time, of one."""
        young = row(start(user))
        run("--user", "ada", "--before", clock().isoformat(), "--yes")
        assert alive() == {two[1].pk, young.pk}

    def test_nobodys(self, two: Any) -> None:
        """It must be said whose."""
        with pytest.raises(CommandError, match="Say whose"):
            run("--yes")
        assert len(alive()) == 2

    @pytest.mark.parametrize(
        "options",
        [
            ("--user", "ada", "--all"),
            ("--user", "ada", "--address", "10.0.0.1"),
            ("--group", "g", "--all"),
            ("--user", "nobody"),
            ("--group", "nobody"),
            ("--address", "10.0.0.0/40"),
            ("--address", "ada"),
            ("--before", "yesterday"),
            ("--before", "2026-01-01T00:00"),
            ("--all", "--reason", "Because of that"),
            ("--all", "--reason", "x" * 33),
        ],
    )
    def test_one_thing_that_exists(self, two: Any, options: tuple[str, ...]) -> None:
        """What contradicts itself or is unknown is refused before anything happens."""
        with pytest.raises(CommandError):
            run(*options, "--yes")
        assert len(alive()) == 2


class TestDryRun:
    def test_changes_nothing(self, two: Any) -> None:
        """It counts what a run then ends."""
        assert run("--all", "--dry-run") == (f"Would revoke {BOTH}.\n", "")
        assert len(alive()) == 2
        assert run("--all", "--yes")[0] == f"Revoked {BOTH}.\n"


class TestQuestion:
    def test_yes(self, two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """It says how many of how many before it does it."""
        questions = answer(monkeypatch, "y")
        run("--all")
        assert questions == [f"This revokes {BOTH}. Go on? [y/N] "]
        assert alive() == set()

    @pytest.mark.parametrize("said", [[""], ["n"], ["what?"], []])
    def test_anything_else(
        self, two: Any, monkeypatch: pytest.MonkeyPatch, said: list[str]
    ) -> None:
        """Nothing ends, and the exit code tells."""
        answer(monkeypatch, *said)
        with pytest.raises(CommandError):
            run("--all")
        assert len(alive()) == 2

    def test_none_where_there_is_nothing(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing to end is no error."""
        answer(monkeypatch)
        assert run("--all")[0] == "Revoked 0 sessions of 0 users.\n"


class TestRecord:
    @pytest.mark.req("REQ-121")
    def test_a_token_is_no_note(self, two: Any) -> None:
        """It would be kept with every session, for all staff to read."""
        with pytest.raises(CommandError, match="holds a token"):
            run("--user", "ada", "--yes", "--note", f"found {'a1' * 32}")
        assert alive() == {one.pk for one in two}

    @pytest.mark.parametrize(("said", "note"), [("", ""), ("Ticket\n4711", ": Ticket?4711")])
    def test_says_where_it_came_from(self, two: Any, said: str, note: str) -> None:
        """No actor and no address, but the command, the reason and the note."""
        run("--user", "ada", "--yes", "--reason", "lost", "--note", said)
        event = AuthEvent.objects.get(type=EventType.REVOKED)
        assert (event.actor, event.ip, event.reason) == (None, None, "lost")
        assert event.detail == {"bulk": "user", "note": f"manage.py tokenauth_revoke{note}"}
        two[0].refresh_from_db()
        assert two[0].revoked_note == f"manage.py tokenauth_revoke{note}"

    @pytest.mark.req("REQ-117")
    def test_the_tokens_are_refused(self, user: User) -> None:
        """At once."""
        tokens = start(user)
        run("--all", "--yes")
        assert not is_usable(tokens)
        assert end_reason(tokens) == "revoked"

    @pytest.mark.req("REQ-120")
    def test_counts_what_changed(self, two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """One ended while the question was read: it is said, and its reason stays."""

        def reply(_question: str) -> str:
            revoke_session(two[0], reason="logout")
            return "yes"

        monkeypatch.setattr(builtins, "input", reply)
        assert run("--all")[0] == f"Revoked 1 of {BOTH}: the others had ended.\n"


class TestOutput:
    def test_is_silent_for_cron(self, two: Any) -> None:
        """With --verbosity 0 even a terminal sees nothing."""
        assert run("--all", "--yes", "--verbosity", "0", stderr=Terminal()) == ("", "")
        assert alive() == set()

    def test_progress_is_shown_on_a_terminal(self, two: Any) -> None:
        """One line, written over, that ends full."""
        _, shown = run("--all", "--yes", stderr=Terminal())
        assert shown.count("\n") == 1
        assert shown.splitlines()[-1].endswith("100 %  2 of 2 sessions")

    @pytest.mark.django_db(transaction=True)
    def test_of_a_busy_database_is_one_line(
        self, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Refused three times: an error that says what to do, no traceback."""
        fill(user, 2)
        refuse(monkeypatch, 0, 1, 2)
        with pytest.raises(CommandError, match="run the command again"):
            run("--all", "--yes", stderr=Terminal())
        assert len(alive()) == 2
