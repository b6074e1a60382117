"""Refresh: each verdict carried out, and each write guarded by what it was decided on."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from tests.conftest import Clock
from tests.domain import (
    end_reason,
    is_usable,
    refresh,
    row,
    start,
)
from tokenauth import sessions
from tokenauth.audit import Origin
from tokenauth.signals import refresh_rotated

GRACE = 30


@pytest.fixture
def no_grace(settings: Any) -> None:
    """Every refresh rotates."""
    settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)


class TestKeep:
    def test_no_new_token_within_the_grace(self, user: User, clock: Clock):
        """Soon after a rotation the current token gets an access token, and itself not again."""
        tokens = start(user)
        clock.advance(seconds=GRACE - 1)

        kept = refresh(tokens)

        assert kept.refresh is None
        assert row(tokens).generation == 0
        assert is_usable(kept)

    def test_confirms(self, user: User, clock: Clock):
        """Presenting the current token shows that it has arrived."""
        tokens = start(user)
        clock.advance(seconds=1)
        refresh(tokens)

        assert row(tokens).confirmed_generation == 0

    def test_confirmed_once(self, user: User, clock: Clock):
        """The second time in a generation writes nothing."""
        tokens = start(user)
        clock.advance(seconds=1)
        refresh(tokens)
        before = row(tokens).last_seen_at
        clock.advance(seconds=1)
        refresh(tokens)

        assert row(tokens).last_seen_at == before


class TestRotate:
    @pytest.mark.req("REQ-14")
    def test_a_hundred_times(self, user: User, clock: Clock):
        """Each rotation gives a refresh token that differs from all before."""
        tokens = start(user)
        seen = {tokens.refresh}
        for _ in range(100):
            clock.advance(seconds=GRACE)
            tokens = refresh(tokens)
            seen.add(tokens.refresh)

        assert len(seen) == 101
        assert row(tokens).generation == 100

    def test_writes(self, user: User, clock: Clock):
        """A rotation confirms the generation before, and notes when and from where."""
        tokens = start(user)
        now = clock.advance(hours=1)
        assert tokens.refresh
        sessions.rotate(tokens.refresh, transport="body", origin=Origin("192.0.2.7", "curl/9"))
        after = row(tokens)

        assert (after.generation, after.confirmed_generation) == (1, 0)
        assert (after.rotated_at, after.last_seen_at) == (now, now)
        assert (after.last_ip, after.last_user_agent) == ("192.0.2.7", "curl/9")
        assert (after.first_ip, after.created_at) == (None, now - timedelta(hours=1))

    def test_signal(self, user: User, clock: Clock, received: Any):
        """``refresh_rotated`` goes out once the row is written, and may raise."""
        calls = received(refresh_rotated, fails=True)
        tokens = start(user)
        clock.advance(hours=1)
        refresh(tokens)

        assert [call["session"].generation for call in calls] == [1]

    def test_refuses_a_transaction(self, user: User):
        """A rollback by the caller would undo a revocation, so nothing is even read."""
        tokens = start(user)
        with transaction.atomic(), pytest.raises(RuntimeError):
            refresh(tokens)


class TestRepeat:
    @pytest.mark.req("REQ-17", "REQ-18")
    def test_same_successor(self, user: User, clock: Clock):
        """Within the grace the predecessor is answered with the same successor."""
        tokens = start(user)
        clock.advance(hours=1)
        first = refresh(tokens)
        clock.advance(seconds=GRACE)
        again = refresh(tokens)

        assert again.refresh == first.refresh
        assert (row(tokens).generation, row(tokens).grace_count) == (1, 1)

    @pytest.mark.req("REQ-18")
    def test_grace_starts_again_while_unused(self, user: User, clock: Clock):
        """Whoever never gets the answer can ask for it again and again."""
        tokens = start(user)
        clock.advance(hours=1)
        refresh(tokens)
        for _ in range(5):
            clock.advance(seconds=GRACE)
            refresh(tokens)

        assert (row(tokens).generation, row(tokens).late_run) == (1, 0)

    def test_grace_does_not_start_again_once_used(self, user: User, clock: Clock):
        """Once the successor was used, the grace ends when it ends."""
        tokens = start(user)
        clock.advance(hours=1)
        sessions.confirm(refresh(tokens).session, 1, clock())
        clock.advance(seconds=GRACE)
        refresh(tokens)
        clock.advance(seconds=1)

        assert end_reason(tokens) == "reuse"

    @pytest.mark.req("REQ-19")
    def test_not_the_one_before(self, user: User, clock: Clock, no_grace: None):
        """The predecessor's predecessor is reuse, however soon it comes."""
        oldest = start(user)
        newest = refresh(refresh(oldest))

        assert end_reason(oldest) == "reuse"
        assert end_reason(newest) == "reuse"

    @pytest.mark.req("REQ-19", "REQ-38", "REQ-46")
    def test_not_after_revocation(self, user: User, clock: Clock):
        """In a session that was ended, neither the current token nor its predecessor works."""
        tokens = start(user)
        clock.advance(hours=1)
        successor = refresh(tokens)
        sessions.revoke_session(row(tokens), reason="logout")

        assert end_reason(tokens) == end_reason(successor) == "logout"
        assert not is_usable(tokens)
        assert not is_usable(successor)


class TestLate:
    @pytest.mark.req("REQ-18")
    def test_unused_after_a_night(self, user: User, clock: Clock):
        """An answer that was lost is given again eight hours later."""
        tokens = start(user)
        clock.advance(hours=1)
        lost = refresh(tokens)
        now = clock.advance(hours=8)
        late = refresh(tokens)
        after = row(tokens)

        assert late.refresh == lost.refresh
        assert (after.generation, after.late_generation, after.late_run) == (1, 1, 1)
        assert (after.rotated_at, after.last_seen_at) == (now, now)

    @pytest.mark.req("REQ-15")
    def test_five_in_a_row(self, user: User, clock: Clock):
        """The fifth generation in a row that needs a late answer is reuse."""
        tokens = start(user)
        for _ in range(4):
            clock.advance(hours=1)
            refresh(tokens)
            clock.advance(hours=1)
            tokens = refresh(tokens)
        clock.advance(hours=1)
        refresh(tokens)
        clock.advance(hours=1)

        assert end_reason(tokens) == "reuse"

    @pytest.mark.req("REQ-15")
    def test_a_seen_use_does_not_reset_the_run(self, user: User, clock: Clock):
        """Thief and victim who take turns, with the thief's access tokens in use, are caught."""
        tokens = start(user)
        for generation in range(1, 5):
            clock.advance(hours=1)
            refresh(tokens)
            clock.advance(hours=1)
            tokens = refresh(tokens)
            sessions.confirm(row(tokens), generation, clock())
        clock.advance(hours=1)
        refresh(tokens)
        clock.advance(hours=1)

        assert end_reason(tokens) == "reuse"

    def test_a_generation_without_resets_the_run(self, user: User, clock: Clock):
        """Lost answers now and then are never reuse."""
        tokens = start(user)
        for _ in range(8):
            clock.advance(hours=1)
            refresh(tokens)
            clock.advance(hours=1)
            tokens = refresh(tokens)
            clock.advance(hours=1)
            tokens = refresh(tokens)

        assert row(tokens).late_run == 1
