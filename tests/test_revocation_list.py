"""What one process knows of revocations, and when."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError, connection, transaction

from tests.conftest import Clock
from tests.domain import start
from tests.processes import ROOT
from tests.test_statement_counts import counting
from tokenauth import revocation_list as module
from tokenauth import system
from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthSession
from tokenauth.revocation_list import RevocationList, Standing
from tokenauth.sessions import revoke_session
from tokenauth.system import new_id

CLEAR, DOUBTFUL, REVOKED = Standing.CLEAR, Standing.DOUBTFUL, Standing.REVOKED
LIFETIME = 300


@pytest.fixture
def known() -> RevocationList:
    """A process's list that has not been read yet."""
    return RevocationList()


@pytest.fixture
def session(user: User, clock: Clock) -> AuthSession:
    """A session of Ada's."""
    return start(user).session


def revoke(session: AuthSession, **ago: float) -> None:
    """Revoke, as a host whose clock or commit is so far behind."""
    revoke_session(session, reason="admin")
    put_on_list(session, **ago)


def put_on_list(session: AuthSession, **ago: float) -> None:
    """Stamp ``listed_at``, so long ago."""
    row = AuthSession.objects.get(pk=session.pk)
    listed_at = (row.listed_at or system.now()) - timedelta(**ago)
    AuthSession.objects.filter(pk=session.pk).update(listed_at=listed_at)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A database that does not answer; the list grows by one with each attempt."""
    attempts: list[int] = []

    def refuse() -> Any:
        attempts.append(len(attempts))
        raise OperationalError("away")

    monkeypatch.setattr(module, "_listed", refuse)
    return attempts


class TestLookUp:
    def test_reads_before_the_first_verdict(self, known: RevocationList, session: AuthSession):
        """A process that has just started knows what happened before it did."""
        revoke(session)
        assert known.look_up(session.pk) is REVOKED

    def test_says_nothing_of_others(self, known: RevocationList, session: AuthSession):
        """A session that nothing happened to is clear."""
        revoke(session)
        assert known.look_up(new_id()) is CLEAR

    def test_doubts_what_is_listed_and_not_revoked(
        self, known: RevocationList, session: AuthSession
    ):
        """After a step-up or a change of the account the row has to be asked."""
        put_on_list(session)
        assert known.look_up(session.pk) is DOUBTFUL

    @pytest.mark.parametrize(("age", "verdict"), [(0.499, CLEAR), (0.5, REVOKED)])
    def test_is_read_again_after_half_a_second(
        self,
        known: RevocationList,
        session: AuthSession,
        clock: Clock,
        age: float,
        verdict: Standing,
    ):
        """Until then it costs nothing, and then a revocation is seen."""
        known.look_up(session.pk)
        revoke(session)
        clock.advance(seconds=age)
        with counting() as count:
            assert known.look_up(session.pk) is verdict
        assert count.total == (verdict is REVOKED)

    def test_sees_a_late_commit(self, known: RevocationList, session: AuthSession, clock: Clock):
        """Stamped long before the last reading, committed after it: seen in the next one."""
        clock.advance(seconds=30)
        known.look_up(session.pk)
        revoke(session, seconds=10)
        clock.advance(seconds=0.5)
        assert known.look_up(session.pk) is REVOKED

    def test_sees_the_stamp_of_a_fast_clock(self, known: RevocationList, session: AuthSession):
        """A host that is ahead stamps the future."""
        revoke(session, seconds=-5)
        assert known.look_up(session.pk) is REVOKED

    @pytest.mark.parametrize(
        ("ago", "verdict"), [(2 * LIFETIME - 1, REVOKED), (2 * LIFETIME, CLEAR)]
    )
    def test_reads_two_lifetimes_back(
        self, known: RevocationList, session: AuthSession, ago: float, verdict: Standing
    ):
        """What was listed earlier concerns no token that still lives."""
        revoke(session, seconds=ago)
        assert known.look_up(session.pk) is verdict

    @pytest.mark.parametrize(("ago", "verdict"), [(59, REVOKED), (60, CLEAR)])
    def test_reads_a_minute_back_at_least(
        self,
        known: RevocationList,
        session: AuthSession,
        settings: Any,
        ago: float,
        verdict: Standing,
    ):
        """Short lifetimes make commits no earlier and clocks no better."""
        settings.TOKENAUTH_ACCESS_TOKEN_LIFETIME = timedelta(seconds=5)
        revoke(session, seconds=ago)
        assert known.look_up(session.pk) is verdict

    @pytest.mark.parametrize(
        ("later", "verdict"), [(LIFETIME + 29, REVOKED), (LIFETIME + 31, CLEAR)]
    )
    def test_keeps_what_it_has_seen(
        self,
        known: RevocationList,
        session: AuthSession,
        clock: Clock,
        later: float,
        verdict: Standing,
    ):
        """One lifetime and the leeway from first sight, though the window has moved on."""
        revoke(session, seconds=2 * LIFETIME - 1)
        assert known.look_up(session.pk) is REVOKED
        clock.advance(seconds=2)
        assert known.look_up(session.pk) is REVOKED
        clock.advance(seconds=later - 2)
        assert known.look_up(session.pk) is verdict
        assert len(known) == (verdict is REVOKED)

    def test_age_is_that_of_the_beginning(
        self,
        known: RevocationList,
        session: AuthSession,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ):
        """A reading that took long shows what was true when it began."""
        read = module._listed

        def slow() -> Any:
            rows = read()
            clock.advance(seconds=0.6)
            return rows

        monkeypatch.setattr(module, "_listed", slow)
        known.look_up(session.pk)
        assert known.is_due()


class TestThreads:
    @pytest.fixture
    def reading(
        self, known: RevocationList, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[float], Thread]]:
        """``reading(age)`` has another thread read a list so old, and not come to an end."""
        begun, end = Event(), Event()
        rows: list[Any] = []

        def held() -> Any:
            if rows:
                begun.set()
                assert end.wait(60)
            return list(rows)

        monkeypatch.setattr(module, "_listed", held)
        monkeypatch.setattr(module, "_outside_transaction", lambda read: read())
        monkeypatch.setattr(module, "PATIENCE", 60)
        threads: list[Thread] = []

        def begin(age: float) -> Thread:
            known.update()
            rows.append((self.gone, True))
            clock.advance(seconds=age)
            thread = Thread(target=known.update)
            threads.append(thread)
            thread.start()
            assert begun.wait(60)
            return thread

        self.gone, self.end = new_id(), end
        yield begin
        end.set()
        for thread in threads:
            thread.join(60)

    def test_others_go_on_meanwhile(self, known: RevocationList, reading: Any):
        """Below a second, one reads and nobody waits."""
        reading(0.9)
        assert known.look_up(self.gone) is CLEAR

    def test_others_wait_for_a_list_that_is_too_old(self, known: RevocationList, reading: Any):
        """From a second on, whoever asks gets the new one."""
        reading(1.0)
        verdicts: list[Standing] = []
        waiting = Thread(target=lambda: verdicts.append(known.look_up(self.gone)))
        waiting.start()
        waiting.join(0.05)
        assert verdicts == []
        self.end.set()
        waiting.join(60)
        assert verdicts == [REVOKED]


class TestReaderThatHangs:
    @pytest.fixture
    def hanging(
        self, known: RevocationList, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Event]:
        """A list that was read, and since a second is being read, which does not come to an end."""
        begun, end = Event(), Event()
        calls: list[int] = []
        self.gone, self.later = new_id(), new_id()

        def listed() -> Any:
            calls.append(len(calls))
            if len(calls) == 2:
                begun.set()
                assert end.wait(60)
                return [(self.later, True)]
            return [(self.gone, True)] if len(calls) > 2 else []

        monkeypatch.setattr(module, "_listed", listed)
        monkeypatch.setattr(module, "_outside_transaction", lambda read: read())
        monkeypatch.setattr(module, "PATIENCE", 0.01)
        known.update()
        clock.advance(seconds=1)
        thread = Thread(target=known.update)
        thread.start()
        assert begun.wait(60)
        yield end
        end.set()
        thread.join(60)

    def test_is_waited_for_once(
        self, known: RevocationList, hanging: Event, monkeypatch: pytest.MonkeyPatch
    ):
        """The first who waits in vain spares the others."""
        assert known.look_up(self.gone) is CLEAR
        monkeypatch.setattr(module, "PATIENCE", 3600)
        assert known.look_up(self.gone) is CLEAR

    def test_is_replaced_after_ten_seconds(
        self, known: RevocationList, hanging: Event, clock: Clock
    ):
        """By the next that asks; until then, without a list, nobody is let in."""
        clock.advance(seconds=10.5)
        with pytest.raises(TryAgain):
            known.look_up(self.gone)
        assert known.look_up(self.gone) is REVOKED

    def test_brings_nothing_when_it_is_late(
        self, known: RevocationList, hanging: Event, clock: Clock
    ):
        """What it read is older than what another has read meanwhile."""
        self.test_is_replaced_after_ten_seconds(known, hanging, clock)
        hanging.set()
        known._lock.acquire(timeout=60)
        known._lock.release()
        assert known.look_up(self.gone) is REVOKED
        assert known.look_up(self.later) is CLEAR


class TestDatabaseAway:
    def test_goes_on_for_ten_seconds(
        self, known: RevocationList, session: AuthSession, clock: Clock, request: Any
    ):
        """The last list serves; then nobody is let in."""
        known.update()
        request.getfixturevalue("broken")
        clock.advance(seconds=10)
        assert known.look_up(session.pk) is CLEAR
        clock.advance(seconds=0.001)
        with pytest.raises(TryAgain):
            known.look_up(session.pk)

    def test_lets_nobody_in_without_any_list(
        self, known: RevocationList, clock: Clock, broken: list[int]
    ):
        """A process that starts now knows nothing."""
        with pytest.raises(TryAgain):
            known.look_up(new_id())

    def test_is_asked_twice_a_second(self, known: RevocationList, clock: Clock, broken: list[int]):
        """Not by every request."""
        for _ in range(100):
            known.update()
            clock.advance(seconds=0.1)
        assert len(broken) == 20

    def test_is_logged(self, known: RevocationList, clock: Clock, broken: list[int], caplog: Any):
        """With the kind of error."""
        known.update()
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "OperationalError" in caplog.text


class TestFull:
    @pytest.fixture(autouse=True)
    def many(self, monkeypatch: pytest.MonkeyPatch, user: User, clock: Clock) -> list[AuthSession]:
        """Four revoked sessions where three are the most."""
        monkeypatch.setattr(module, "MAX_ENTRIES", 3)
        sessions = [start(user).session for _ in range(4)]
        for session in sessions:
            revoke(session)
        return sessions

    def test_doubts_everybody(self, known: RevocationList):
        """The row is asked; the list keeps nothing."""
        assert known.look_up(new_id()) is DOUBTFUL
        assert len(known) == 0

    def test_is_read_every_five_seconds(self, known: RevocationList, clock: Clock):
        """Reading what is too long costs more, and its age matters less."""
        known.update()
        clock.advance(seconds=4.9)
        assert not known.is_due()
        clock.advance(seconds=0.1)
        assert known.is_due()

    def test_serves_again_when_there_are_fewer(
        self, known: RevocationList, clock: Clock, many: list[AuthSession]
    ):
        """The list is back without a restart."""
        known.update()
        put_on_list(many[0], seconds=2 * LIFETIME)
        clock.advance(seconds=5)
        assert known.look_up(many[0].pk) is CLEAR
        assert known.look_up(many[1].pk) is REVOKED

    def test_nothing_is_lost_when_it_fills_up(
        self, known: RevocationList, clock: Clock, many: list[AuthSession]
    ):
        """What was kept from first sight is doubted like everything else."""
        put_on_list(many[0], seconds=2 * LIFETIME - 1)
        put_on_list(many[1], seconds=2 * LIFETIME)
        assert known.look_up(many[0].pk) is REVOKED
        put_on_list(many[1], seconds=-2 * LIFETIME)
        clock.advance(seconds=0.5)
        assert known.look_up(many[0].pk) is DOUBTFUL


FORK = """
import os
import django
django.setup()
from tokenauth.first_uses import first_uses
from tokenauth.revocation_list import revocation_list
revocation_list._keep([], float("inf"))
revocation_list._lock.acquire()
first_uses._generations[1] = 1
assert not revocation_list.is_due()
child = os.fork()
if not child:
    clean = revocation_list.is_due() and revocation_list._lock.acquire(timeout=0)
    os._exit(0 if clean and not len(first_uses) else 7)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_begins_anew():
    """A child knows nothing yet, and waits for no lock of a thread that it does not have."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_is_replaced(
    known: RevocationList, session: AuthSession, clock: Clock
):
    """At once: each thread has one, and every failure would be another half second."""
    revoke(session)
    connection.ensure_connection()
    cut, attempts = connection.connection, []

    def refuse(execute: Any, *rest: Any) -> Any:
        if connection.connection is cut:
            attempts.append(rest)
            connection.errors_occurred = True
            raise OperationalError("server closed the connection unexpectedly")
        return execute(*rest)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(refuse):
        patch.setattr(connection, "is_usable", lambda: False)
        assert known.look_up(session.pk) is REVOKED
    assert len(attempts) == 1


@pytest.mark.django_db(transaction=True)
class TestTransaction:
    def test_reads_outside_the_callers(self, known: RevocationList, session: AuthSession):
        """What a transaction sees, or has not committed, is not what everybody else sees."""
        with transaction.atomic():
            revoke_session(session, reason="admin")
            assert known.look_up(session.pk) is CLEAR

    def test_reads_in_spite_of_a_failed_statement(
        self, known: RevocationList, session: AuthSession
    ):
        """On PostgreSQL a transaction in which one failed takes no more."""
        revoke(session)
        with transaction.atomic():
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")
            assert known.look_up(session.pk) is REVOKED
            transaction.set_rollback(True)
