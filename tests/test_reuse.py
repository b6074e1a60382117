"""Refresh that fails, or finds the database behind."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from tests.conftest import Api, Clock
from tests.domain import end_reason, events, is_refreshed, is_usable, refresh, row, start
from tokenauth import sessions
from tokenauth.audit import Origin
from tokenauth.exceptions import RefreshInvalid, RefreshSuperseded, SessionEnded
from tokenauth.models import AuthEvent, AuthSession, RefreshToken
from tokenauth.signals import refresh_reused, session_revoked


class TestSuperseded:
    def test_below_the_floor(self, user: User, clock: Clock):
        """A token from before a jump is refused without alarm; the session goes on."""
        before = start(user)
        after = sessions.renew_after_password_change(before.session, user)
        with pytest.raises(RefreshSuperseded):
            refresh(before)

        assert not is_usable(before)
        assert is_usable(after)
        assert events("reuse") == []
        assert is_refreshed(after)


class TestAhead:
    def test_restored_database(self, user: User, clock: Clock, caplog: Any):
        """A database that has lost rotations follows the token, and says so."""
        tokens = start(user)
        old = AuthSession.objects.values().get()
        for _ in range(3):
            clock.advance(hours=1)
            tokens = refresh(tokens)
        AuthSession.objects.update(**old)
        clock.advance(hours=1)
        with caplog.at_level(logging.ERROR, "tokenauth.rotation"):
            healed = refresh(tokens)

        assert row(healed).generation == 4
        assert events("database_behind") == [("database_behind", "")]
        assert [record.levelname for record in caplog.records if "lost" in record.message]
        clock.advance(hours=1)
        assert is_refreshed(healed)

    def test_older_tokens_stay_dead(self, user: User, clock: Clock):
        """What was superseded before the restore is reuse after it."""
        oldest = start(user)
        old = AuthSession.objects.values().get()
        tokens = oldest
        for _ in range(3):
            clock.advance(hours=1)
            tokens = refresh(tokens)
        AuthSession.objects.update(**old)
        clock.advance(hours=1)
        refresh(tokens)

        assert end_reason(oldest) == "reuse"


class TestReuse:
    @pytest.mark.req("REQ-15")
    def test_ends_the_session(self, user: User, clock: Clock, received: Any):
        """A superseded token ends the session: the newest tokens of both kinds are dead."""
        reused, revoked = received(refresh_reused, fails=True), received(session_revoked)
        stolen = start(user)
        clock.advance(hours=1)
        middle = refresh(stolen)
        clock.advance(hours=1)
        newest = refresh(middle)
        clock.advance(hours=1)
        assert end_reason(stolen) == "reuse"

        assert not is_usable(newest)
        assert end_reason(newest) == "reuse"
        assert row(newest).revoked_reason == "reuse"
        assert [call["session"].revoked_reason for call in reused] == ["reuse"]
        assert [call["count"] for call in revoked] == [1]

    def test_event(self, user: User, clock: Clock):
        """One audit row says which token was presented, and both places; a second try adds none."""
        stolen = start(user, origin=Origin("192.0.2.1", "app/1"))
        clock.advance(hours=1)
        tokens = refresh(stolen)
        clock.advance(hours=1)
        origin = Origin("198.51.100.7", "curl/9")
        sessions.rotate(str(tokens.refresh), transport="body", origin=origin)
        for _ in range(2):
            assert stolen.refresh
            with pytest.raises(SessionEnded):
                sessions.rotate(stolen.refresh, transport="body", origin=Origin("192.0.2.66"))
        event = AuthEvent.objects.get(type="reuse")

        assert event.detail == {
            "presented": 0,
            "current": 2,
            "last_ip": "198.51.100.7",
            "last_device": "curl",
        }
        assert (event.ip, event.user_key) == ("192.0.2.66", str(user.pk))

    @pytest.mark.req("REQ-16", "REQ-133")
    def test_without_history(self, user: User, clock: Clock):
        """No pruning of the history keeps a superseded token from ending its session."""
        stolen = start(user)
        clock.advance(hours=1)
        tokens = refresh(stolen)
        clock.advance(hours=1)
        refresh(tokens)
        RefreshToken.objects.all().delete()
        clock.advance(days=13)

        assert end_reason(stolen) == "reuse"


@pytest.mark.django_db(transaction=True)
class TestAtomicRequests:
    @pytest.mark.req("REQ-15", "REQ-29")
    @pytest.mark.parametrize("atomic", ["no", "yes"])
    def test_reuse_survives_its_error(self, app: Api, clock: Clock, monkeypatch: Any, atomic: str):
        """The revocation is committed before the 401, also under ``ATOMIC_REQUESTS``."""
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic == "yes")
        stolen = app.refresh_token
        for _ in range(2):
            clock.advance(hours=1)
            app.refresh()
        newest = app.refresh_token
        assert app.refresh(stolen).status_code == 401
        elsewhere = connections.create_connection("default")
        with elsewhere.cursor() as cursor:
            cursor.execute("SELECT revoked_reason FROM tokenauth_authsession")
            found = cursor.fetchall()
        elsewhere.close()

        assert [tuple(line) for line in found] == [("reuse",)]
        assert app.refresh(newest).status_code == 401
        assert app.whoami().status_code == 401


class TestRefused:
    @pytest.mark.parametrize("raw", ["", "x", "A" * 64, "AQ" * 32, "é" * 64])
    def test_malformed(self, db: None, raw: str, django_assert_num_queries: Any):
        """What cannot be a token of ours is refused without a query."""
        with django_assert_num_queries(0), pytest.raises(RefreshInvalid):
            sessions.rotate(raw, transport="body")

    def test_unknown_session(self, user: User):
        """An authentic token of a session that is gone is invalid."""
        tokens = start(user)
        AuthSession.objects.all().delete()
        with pytest.raises(RefreshInvalid):
            refresh(tokens)

    def test_forged(self, user: User):
        """Knowing the session's id does not suffice to end it."""
        tokens = start(user)
        AuthSession.objects.update(seed=bytes(32))
        with pytest.raises(RefreshInvalid):
            refresh(tokens)

        assert row(tokens).revoked_at is None

    def test_wrong_transport(self, user: User):
        """A token that has moved from body to cookie is refused, and changes nothing."""
        tokens = start(user)
        assert tokens.refresh
        with pytest.raises(RefreshInvalid):
            sessions.rotate(tokens.refresh, transport="cookie")

        assert is_refreshed(tokens)
