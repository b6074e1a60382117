"""When sessions end by time, what moves that end, and what is recorded of an end."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import Clock
from tests.domain import end_reason, events, is_refreshed, is_usable, refresh, row, start
from tokenauth import sessions
from tokenauth.issuing import Tokens, read_token
from tokenauth.models import AuthSession
from tokenauth.signals import session_revoked

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=30)


def keep_alive(tokens: Tokens, clock: Clock, until: datetime) -> Tokens:
    """Refresh every 13 days, and at this time."""
    while clock() < until:
        clock.time = min(clock() + timedelta(days=13), until)
        tokens = refresh(tokens)
    return tokens


class TestIdle:
    @pytest.mark.req("REQ-22", "REQ-133")
    def test_enforced_without_clean_up(self, user: User, clock: Clock):
        """At the end of the idle time the tokens are refused, though the row is all there."""
        tokens = start(user)
        clock.time += IDLE - timedelta(seconds=1)
        assert is_refreshed(tokens)
        tokens = start(user)
        clock.time += IDLE

        assert end_reason(tokens) == "expired"

    def test_access_token_ends_with_the_session(self, user: User, clock: Clock, settings: Any):
        """An access token that would live on is refused with its session."""
        tokens = start(user)
        AuthSession.objects.update(expires_at=clock() + timedelta(seconds=10))
        clock.advance(seconds=9)
        assert is_usable(tokens)
        clock.advance(seconds=1)

        assert not is_usable(tokens)


class TestAbsolute:
    @pytest.mark.req("REQ-21")
    def test_never_moves(self, user: User, clock: Clock):
        """However often it is refreshed, a session ends after its absolute lifetime."""
        tokens = start(user)
        end = clock() + ABSOLUTE
        tokens = keep_alive(tokens, clock, end - timedelta(seconds=1))

        assert row(tokens).expires_at == row(tokens).absolute_expires_at == end
        clock.time = end
        assert end_reason(tokens) == "expired"

    @pytest.mark.req("REQ-21")
    def test_access_token_is_shortened(self, user: User, clock: Clock):
        """A minute before the end, an access token lives for that minute, and says so."""
        tokens = start(user)
        end = clock() + ABSOLUTE
        tokens = keep_alive(tokens, clock, end - timedelta(seconds=60))

        assert tokens.expires_in == 60
        assert tokens.refresh_expires_in == 60
        assert read_token(tokens.access, clock())["exp"] == int(end.timestamp())


class TestWhatMovesTheEnd:
    @pytest.fixture
    def tokens(self, user: User, clock: Clock) -> Tokens:
        """A session, an hour later."""
        tokens = start(user)
        clock.advance(hours=1)
        return tokens

    def test_login(self, user: User, clock: Clock):
        """A login sets it to the idle lifetime from now."""
        assert row(start(user)).expires_at == clock() + IDLE

    def test_rotation(self, tokens: Tokens, clock: Clock):
        """A rotation moves it."""
        assert row(refresh(tokens)).expires_at == clock() + IDLE

    def test_confirmation(self, tokens: Tokens, clock: Clock):
        """The first use of a generation moves it, the second does not."""
        assert sessions.confirm(row(tokens), 0, clock())
        end = clock() + IDLE
        clock.advance(hours=1)
        assert not sessions.confirm(row(tokens), 0, clock())

        assert row(tokens).expires_at == end

    def test_late_answer(self, tokens: Tokens, clock: Clock):
        """A late answer moves it."""
        refresh(tokens)
        clock.advance(hours=1)
        late = refresh(tokens)

        assert row(tokens).expires_at == late.session.expires_at == clock() + IDLE

    def test_repeated_answer(self, tokens: Tokens, clock: Clock):
        """A repeated answer does not."""
        end = row(refresh(tokens)).expires_at
        clock.advance(seconds=10)
        refresh(tokens)

        assert row(tokens).expires_at == end

    def test_use(self, tokens: Tokens, clock: Clock):
        """An access token that is used does not, nor does a new name or a list."""
        end = row(tokens).expires_at
        fresh = row(tokens)
        sessions.rename_session(fresh, "phone")
        sessions.active_sessions(fresh.user)

        assert row(tokens).expires_at == end

    def test_database_behind(self, user: User, clock: Clock):
        """Nor does the row's catching up with a token."""
        tokens = start(user)
        old = AuthSession.objects.values().get()
        clock.advance(seconds=40)
        tokens = refresh(tokens)
        AuthSession.objects.update(**old | {"rotated_at": clock()})
        refresh(tokens)

        assert row(tokens).expires_at == old["expires_at"]
        assert row(tokens).generation == 1

    def test_confirmation_after_the_end(self, tokens: Tokens, clock: Clock):
        """Nothing revives an expired session: a first use that is recorded late changes nothing."""
        session = row(tokens)
        clock.time = session.expires_at

        assert not sessions.confirm(session, 0, clock())
        assert end_reason(tokens) == "expired"

    def test_confirmation_of_a_revoked_session(self, tokens: Tokens, clock: Clock):
        """Nor a revoked one."""
        session = row(tokens)
        sessions.revoke_session(session, reason="admin")

        assert not sessions.confirm(session, 0, clock())


class TestRecordedOnce:
    def test_expired(self, user: User, clock: Clock, received: Any):
        """An expired session is recorded at the first refresh that finds it, and is not revoked."""
        calls = received(session_revoked)
        tokens = start(user)
        clock.time += IDLE
        for _ in range(3):
            assert end_reason(tokens) == "expired"

        assert events("expired", "revoked") == [("expired", "expired")]
        assert row(tokens).revoked_at is None
        assert calls == []

    def test_account(self, user: User, clock: Clock, received: Any):
        """A session whose account changed is revoked by the first refresh, with one signal."""
        calls = received(session_revoked)
        tokens = start(user)
        User.objects.update(is_active=False)
        for _ in range(3):
            assert end_reason(tokens) == "account"

        assert events("expired", "revoked") == [("revoked", "deactivated")]
        assert row(tokens).revoked_reason == "deactivated"
        assert [(call["reason"], call["count"]) for call in calls] == [("deactivated", 1)]
        assert calls[0]["sessions"][0].revoked_reason == "deactivated"

    def test_account_that_changed_back(self, user: User, clock: Clock):
        """Once an ended session was shown, reactivating the account does not revive it."""
        tokens = start(user)
        User.objects.update(is_active=False)
        end_reason(tokens)
        User.objects.update(is_active=True)

        assert end_reason(tokens) == "account"
        assert not is_usable(tokens)

    def test_beside_another(self, user: User, clock: Clock, monkeypatch: Any):
        """Two requests that find the same end record it once."""
        tokens = start(user)
        clock.time += IDLE
        stale = row(tokens)
        assert end_reason(tokens) == "expired"
        monkeypatch.setattr("tokenauth.rotation._load", lambda *_: stale)

        assert end_reason(tokens) == "expired"
        assert len(events("expired")) == 1

    def test_beside_a_logout(self, user: User, clock: Clock, monkeypatch: Any):
        """A logout that was faster is what stays recorded."""
        tokens = start(user)
        User.objects.update(is_active=False)
        stale = AuthSession.objects.with_user().get()
        sessions.revoke_session(row(tokens), reason="logout")
        monkeypatch.setattr("tokenauth.rotation._load", lambda *_: stale)

        assert end_reason(tokens) == "account"
        assert events("revoked") == [("revoked", "logout")]
