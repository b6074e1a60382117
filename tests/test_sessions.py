"""The domain: sessions are started, listed, renamed, and kept through a change of password."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction

from tests.conftest import Clock
from tests.domain import (
    end_reason,
    events,
    interleave_jump,
    is_refreshed,
    is_usable,
    refresh,
    row,
    start,
)
from tests.test_accounts import NEW
from tokenauth import sessions
from tokenauth.audit import Origin
from tokenauth.exceptions import AccountUnusable, SessionEnded, TryAgain, UnknownClient
from tokenauth.models import AuthSession, RefreshToken
from tokenauth.signals import session_revoked, session_started


class TestStart:
    def test_row(self, user: User, clock: Clock):
        """A session remembers whose it is, how it was made, and from where."""
        tokens = start(
            user, device_name="Ada's phone", amr=["pwd", "otp"], origin=Origin("192.0.2.1", "app/1")
        )
        session = row(tokens)

        assert (session.user, session.client, session.transport) == (user, "app", "body")
        assert (session.device_name, session.amr) == ("Ada's phone", ["pwd", "otp"])
        assert (session.first_ip, session.last_user_agent) == ("192.0.2.1", "app/1")
        assert session.auth_time == session.created_at == clock()

    def test_first_client_is_the_default(self, user: User):
        """Without a name it is the first client of the settings."""
        assert sessions.start_session(user).session.client == "browser"

    def test_unknown_client(self, user: User):
        """A client that is not configured gets none."""
        with pytest.raises(UnknownClient):
            sessions.start_session(user, client="toaster")

    @pytest.mark.parametrize("usable", [{"is_active": False}, {"pk": None}])
    def test_unusable_account(self, user: User, usable: dict[str, Any]):
        """Neither an inactive account nor one that is not saved gets one."""
        for name, value in usable.items():
            setattr(user, name, value)
        with pytest.raises(AccountUnusable):
            sessions.start_session(user)

        assert not AuthSession.objects.exists()

    def test_anonymous(self, db: None):
        """Nor does nobody."""
        with pytest.raises(AccountUnusable):
            sessions.start_session(AnonymousUser())

    def test_lifetimes_of_the_client(self, user: User, clock: Clock, settings: Any):
        """A client's own lifetimes count."""
        hour = timedelta(hours=1)
        settings.TOKENAUTH_CLIENTS = {
            "sensor": {
                "transport": "body",
                "login": False,
                "idle_lifetime": hour * 2,
                "absolute_lifetime": hour * 3,
                "access_lifetime": hour,
            }
        }
        tokens = sessions.start_session(user, client="sensor")

        assert tokens.session.expires_at == clock() + hour * 2
        assert tokens.session.absolute_expires_at == clock() + hour * 3
        assert tokens.expires_in == 3600

    def test_replaces(self, user: User, clock: Clock, received: Any):
        """A session that it takes the place of ends after the new one exists, with one signal."""
        calls = received(session_revoked)
        old, dead = start(user), start(user)
        sessions.revoke_session(dead.session, reason="logout")
        clock.advance(seconds=1)
        new = start(user, replaces=[row(old), row(dead)])

        assert [call["reason"] for call in calls] == ["logout", "replaced"]
        assert [session.pk for session in calls[1]["sessions"]] == [old.session.pk]
        assert row(old).revoked_reason == "replaced"
        assert row(dead).revoked_reason == "logout"
        assert events("revoked") == [("revoked", "logout"), ("revoked", "replaced")]
        assert end_reason(old) == "revoked"
        assert is_usable(new)

    def test_failing_receiver(self, user: User, received: Any):
        """``session_started`` is sent once the session exists, and may raise."""
        calls = received(session_started, fails=True)
        tokens = start(user)

        assert [(call["session"].pk, call["user"]) for call in calls] == [(tokens.session.pk, user)]

    def test_before_commit(self, user: User):
        """What raises before the commit undoes the login."""
        seen = []

        def refuse(session: AuthSession) -> None:
            seen.append(AuthSession.objects.filter(pk=session.pk).exists())
            raise LookupError

        with pytest.raises(LookupError):
            start(user, before_commit=refuse)

        assert seen == [True]
        assert not AuthSession.objects.exists()
        assert events() == []

    @pytest.mark.django_db(transaction=True)
    def test_rolled_back(self, user: User, received: Any):
        """Inside a transaction that is rolled back there was no login, and no signal."""
        calls = received(session_started)
        with transaction.atomic():
            tokens = start(user)
            transaction.set_rollback(True)

        assert not is_refreshed(tokens)
        assert calls == []


class TestList:
    @pytest.mark.req("REQ-43")
    def test_active_ones(self, user: User, clock: Clock):
        """A user's living sessions are listed, the newest first, and no other."""
        expired = start(user)
        clock.advance(days=14)
        first = start(user)
        clock.advance(seconds=1)
        second = start(user)
        revoked = start(user)
        sessions.revoke_session(revoked.session, reason="admin")
        start(get_user_model().objects.create_user("bob"))
        found = sessions.active_sessions(user)

        assert [session.pk for session in found] == [second.session.pk, first.session.pk]
        assert row(expired).revoked_at is None

    def test_changed_account(self, user: User, clock: Clock):
        """Sessions from before a change of password are not listed, though nobody ended them."""
        start(user)
        user.set_password(NEW)
        user.save()

        assert sessions.active_sessions(user) == []

    def test_at_most_a_hundred(self, user: User, clock: Clock):
        """The newest hundred are listed."""
        for _ in range(101):
            clock.advance(seconds=1)
            start(user)
        found = sessions.active_sessions(user)

        assert len(found) == sessions.MAX_LISTED == 100
        assert found[0].created_at == clock()


class TestFindOwn:
    def test_own(self, user: User):
        """One's own living session is found."""
        tokens = start(user)

        assert sessions.find_own_session(user, tokens.session.pk) == tokens.session

    def test_ended_or_of_another(self, user: User):
        """An ended one, another user's and a random id are all the same nothing."""
        ended = start(user)
        sessions.revoke_session(ended.session, reason="user")
        bob = start(get_user_model().objects.create_user("bob"))

        for pk in (ended.session.pk, bob.session.pk, uuid.uuid4()):
            assert sessions.find_own_session(user, pk) is None

    def test_rename(self, user: User):
        """A name is kept as one printable line of a hundred characters."""
        tokens = start(user)
        sessions.rename_session(row(tokens), "Ada\n" + "x" * 200)

        assert row(tokens).device_name == "Ada?" + "x" * 96


def change_password(user: User) -> None:
    """Give Ada another password."""
    user.set_password(NEW)
    user.save()


@pytest.mark.req("REQ-24", "REQ-43")
class TestRenew:
    def test_this_one_goes_on(self, user: User, clock: Clock):
        """The session in which the password is changed goes on, all others end."""
        here, there = start(user), start(user)
        change_password(user)
        renewed = sessions.renew_after_password_change(row(here), user)

        assert is_usable(renewed)
        clock.advance(hours=1)
        assert is_refreshed(renewed)
        assert end_reason(there) == "account"
        assert row(there).revoked_reason == "password"

    def test_jump(self, user: User, clock: Clock):
        """No token from before leads into the session after it, not even by a lost answer."""
        before = start(user)
        clock.advance(hours=1)
        latest = refresh(before)
        change_password(user)
        renewed = sessions.renew_after_password_change(row(before), user)

        assert not is_refreshed(before)
        assert not is_refreshed(latest)
        assert not is_usable(before)
        assert not is_usable(latest)
        assert is_usable(renewed)
        assert RefreshToken.objects.filter(generation=3).exists()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("commits", ["commit", "rollback"])
    def test_in_the_callers_transaction(self, user: User, received: Any, commits: str):
        """What is rolled back has not happened: password, jump, the ends of others, signals."""
        calls = received(session_revoked)
        here, there = start(user), start(user)
        with transaction.atomic():
            change_password(user)
            renewed = sessions.renew_after_password_change(row(here), user)
            assert calls == []
            transaction.set_rollback(commits == "rollback")
        committed = commits == "commit"

        assert len(calls) == committed
        assert is_usable(renewed)
        assert is_usable(here) is not committed
        assert is_usable(there) is not committed
        assert is_refreshed(there) is not committed
        assert bool(events("revoked")) is committed

    def test_revoked_meanwhile(self, user: User):
        """A session that was revoked meanwhile stays revoked."""
        tokens = start(user)
        sessions.revoke_session(row(tokens), reason="admin")
        with pytest.raises(SessionEnded):
            sessions.renew_after_password_change(tokens.session, user)

        assert not is_refreshed(tokens)

    def test_rotated_meanwhile(self, user: User, clock: Clock, monkeypatch: Any):
        """If the session is rotated between read and write, it jumps from where it is then."""
        tokens = start(user)
        clock.advance(hours=1)
        interleave_jump(monkeypatch, lambda: refresh(tokens))
        renewed = sessions.renew_after_password_change(row(tokens), user)

        assert (row(tokens).generation, row(tokens).floor) == (3, 3)
        assert is_usable(renewed)

    def test_three_lost_races(self, user: User, clock: Clock, monkeypatch: Any):
        """After three rotations in between it gives up."""
        tokens = [start(user)]

        def rotate() -> None:
            clock.advance(hours=1)
            tokens.append(refresh(tokens[-1]))

        interleave_jump(monkeypatch, *[rotate] * 3)
        with pytest.raises(TryAgain):
            sessions.renew_after_password_change(row(tokens[0]), user)
