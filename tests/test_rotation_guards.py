"""Refresh: what happens between the reading of the row and the writing of the decision."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from tests.conftest import Clock
from tests.domain import (
    end_reason,
    events,
    interleave,
    is_refreshed,
    is_usable,
    refresh,
    row,
    start,
)
from tokenauth import sessions
from tokenauth.exceptions import TryAgain
from tokenauth.issuing import Tokens
from tokenauth.models import AuthSession
from tokenauth.protocol import Verdict


@pytest.fixture
def no_grace(settings: Any) -> None:
    """Every refresh rotates."""
    settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)


class Locker:
    """A second connection that holds the session's row, for the first few times it is asked."""

    def __init__(self) -> None:
        self.other = connections.create_connection("default")
        self.asked = 0

    def hold(self, times: int) -> None:
        """Lock the row, or let it go when asked more often than this."""
        self.asked += 1
        if self.asked > times:
            self.release()
        elif self.asked == 1:
            self.other.set_autocommit(False)
            with self.other.cursor() as cursor:
                cursor.execute("UPDATE tokenauth_authsession SET device_name = device_name")

    def release(self) -> None:
        """Let it go."""
        self.other.rollback()


IMPATIENCE = {
    "sqlite": ("PRAGMA busy_timeout = 0", "PRAGMA busy_timeout = 20000"),
    "postgresql": ("SET lock_timeout = '50ms'", "RESET lock_timeout"),
    "mysql": ("SET innodb_lock_wait_timeout = 1", "SET innodb_lock_wait_timeout = DEFAULT"),
}


@pytest.fixture
def locker(transactional_db: None) -> Iterator[Locker]:
    """A second connection, for which the first one waits no longer than it must."""
    impatient, patient = IMPATIENCE[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(impatient)
    found = Locker()
    yield found
    found.other.close()
    with connection.cursor() as cursor:
        cursor.execute(patient)


class TestRaces:
    @pytest.mark.req("REQ-17")
    def test_rotation_beside_rotation(self, user: User, clock: Clock, monkeypatch: Any):
        """Whoever loses the race to rotate gets the winner's successor."""
        tokens = start(user)
        clock.advance(hours=1)
        winner = []
        interleave(monkeypatch, lambda: winner.append(refresh(tokens)))
        loser = refresh(tokens)

        assert loser.refresh == winner[0].refresh
        assert row(tokens).generation == 1

    @pytest.mark.req("REQ-17")
    def test_loser_is_never_late(self, user: User, clock: Clock, monkeypatch: Any, no_grace: None):
        """Whoever lost the race was there in time, though the winner's write took a minute.

        Not even if the successor was used by then: that would be reuse for anybody else.
        """
        tokens = start(user)
        clock.advance(hours=1)

        def win() -> None:
            clock.advance(minutes=-1)
            sessions.confirm(refresh(tokens).session, 1, clock())
            clock.advance(minutes=1)

        interleave(monkeypatch, win)
        loser = refresh(tokens)

        assert is_usable(loser)
        assert (row(tokens).generation, row(tokens).late_run) == (1, 0)

    def test_rotation_beside_revocation(self, user: User, clock: Clock, monkeypatch: Any):
        """A session revoked after it was read is not rotated."""
        tokens = start(user)
        clock.advance(hours=1)
        interleave(monkeypatch, lambda: sessions.revoke_session(row(tokens), reason="admin"))

        assert end_reason(tokens) == "revoked"
        assert row(tokens).generation == 0

    def test_repeat_beside_revocation(self, user: User, clock: Clock, monkeypatch: Any):
        """Nor is its successor given again."""
        tokens = start(user)
        clock.advance(hours=1)
        refresh(tokens)
        interleave(monkeypatch, lambda: sessions.revoke_session(row(tokens), reason="admin"))

        assert end_reason(tokens) == "revoked"

    def test_rotation_beside_jump(self, user: User, clock: Clock, monkeypatch: Any):
        """A token from before a jump does not undo the jump."""
        tokens = start(user)
        clock.advance(hours=1)
        interleave(
            monkeypatch,
            lambda: sessions.renew_after_password_change(row(tokens), user),
        )

        assert not is_refreshed(tokens)
        assert (row(tokens).generation, row(tokens).floor) == (2, 2)

    @pytest.mark.req("REQ-15")
    def test_late_answer_beside_use(self, user: User, clock: Clock, monkeypatch: Any):
        """If the successor is used after the row was read, the late answer is reuse."""
        tokens = start(user)
        clock.advance(hours=1)
        successor = refresh(tokens)
        clock.advance(hours=1)
        interleave(monkeypatch, lambda: sessions.confirm(successor.session, 1, clock()))

        assert end_reason(tokens) == "reuse"

    def test_late_answer_beside_late_answer(self, user: User, clock: Clock, monkeypatch: Any):
        """Two late answers in one generation count once."""
        tokens = start(user)
        clock.advance(hours=1)
        lost = refresh(tokens)
        clock.advance(hours=1)
        verdicts = interleave(monkeypatch, lambda: refresh(tokens))
        late = refresh(tokens)

        assert verdicts == [Verdict.LATE, Verdict.REPEAT]
        assert late.refresh == lost.refresh
        assert (row(tokens).late_generation, row(tokens).late_run) == (1, 1)

    def test_late_answer_beside_rotation(self, user: User, clock: Clock, monkeypatch: Any):
        """If the successor is rotated after the row was read, the late answer is reuse."""
        tokens = start(user)
        clock.advance(hours=1)
        successor = refresh(tokens)
        clock.advance(hours=1)
        interleave(monkeypatch, lambda: refresh(successor))

        assert end_reason(tokens) == "reuse"

    def test_reuse_beside_rotation(self, user: User, clock: Clock, monkeypatch: Any):
        """Reuse ends the session, whatever generation it has reached by then."""
        stolen = start(user)
        clock.advance(hours=1)
        tokens = refresh(stolen)
        clock.advance(hours=1)
        tokens = refresh(tokens)
        clock.advance(hours=1)
        newest = []
        interleave(monkeypatch, lambda: newest.append(refresh(tokens)))

        assert end_reason(stolen) == "reuse"
        assert not is_usable(newest[0])

    def test_reuse_beside_jump(self, user: User, clock: Clock, monkeypatch: Any):
        """If the password was changed after the row was read, an old token is no alarm."""
        stolen = start(user)
        clock.advance(hours=1)
        tokens = refresh(stolen)
        clock.advance(hours=1)
        tokens = refresh(tokens)
        clock.advance(hours=1)
        interleave(monkeypatch, lambda: sessions.renew_after_password_change(row(tokens), user))

        assert not is_refreshed(stolen)
        assert row(tokens).revoked_at is None

    def test_reuse_beside_logout(self, user: User, clock: Clock, monkeypatch: Any):
        """If the session was ended after the row was read, that is the reason that stays."""
        stolen = start(user)
        clock.advance(hours=1)
        tokens = refresh(stolen)
        clock.advance(hours=1)
        refresh(tokens)
        interleave(monkeypatch, lambda: sessions.revoke_session(row(tokens), reason="logout"))

        assert end_reason(stolen) == "logout"
        assert events("reuse") == []

    def test_catching_up_beside_catching_up(self, user: User, clock: Clock, monkeypatch: Any):
        """Two requests that find the database behind move it once."""
        first = start(user)
        old = AuthSession.objects.values().get()
        clock.advance(hours=1)
        tokens = refresh(first)
        AuthSession.objects.update(**old)
        clock.advance(seconds=1)
        interleave(monkeypatch, lambda: refresh(tokens))
        refresh(tokens)

        assert len(events("database_behind")) == 1
        assert row(tokens).generation in {1, 2}


class TestTryAgain:
    def test_three_lost_races(self, user: User, clock: Clock, monkeypatch: Any):
        """Whoever loses three times is asked to try again, and has changed nothing."""
        tokens = start(user)
        clock.advance(hours=1)
        successors: list[Tokens] = []

        def rotate() -> None:
            clock.advance(seconds=31)
            successors.append(refresh(successors[-1] if successors else tokens))

        def use() -> None:
            sessions.confirm(successors[0].session, 1, clock())

        interleave(monkeypatch, rotate, use, rotate)
        with pytest.raises(TryAgain):
            refresh(tokens)

        assert (row(tokens).generation, row(tokens).grace_count) == (2, 0)
        assert is_usable(successors[1])

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("refusals", [1, 2])
    def test_refused_by_the_database(
        self, user: User, clock: Clock, monkeypatch: Any, locker: Locker, refusals: int
    ):
        """A write that the database refuses, because another holds the row, is decided anew."""
        tokens = start(user)
        clock.advance(hours=1)
        interleave(monkeypatch, *[lambda: locker.hold(refusals)] * 3)

        assert is_refreshed(tokens)
        assert row(tokens).generation == 1

    @pytest.mark.django_db(transaction=True)
    def test_refused_three_times(self, user: User, clock: Clock, monkeypatch: Any, locker: Locker):
        """The third time is the last; the session is as it was."""
        tokens = start(user)
        clock.advance(hours=1)
        interleave(monkeypatch, *[lambda: locker.hold(3)] * 3)
        with pytest.raises(TryAgain):
            refresh(tokens)
        locker.release()

        assert row(tokens).generation == 0
        assert is_refreshed(tokens)
