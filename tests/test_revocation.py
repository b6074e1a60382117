"""Ending sessions: at once, counted, recorded, announced."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction

from tests.conftest import Clock
from tests.domain import end_reason, events, is_refreshed, is_usable, refresh, row, start
from tokenauth import sessions
from tokenauth.audit import Origin
from tokenauth.models import AuthEvent, AuthSession, RefreshToken
from tokenauth.signals import session_revoked


class TestOne:
    @pytest.mark.req("REQ-38", "REQ-41", "REQ-46")
    def test_both_tokens_are_dead(self, user: User, clock: Clock):
        """The refresh token, its predecessor and every access token are refused at once."""
        before = start(user)
        clock.advance(hours=1)
        tokens = refresh(before)
        sessions.revoke_session(row(tokens), reason="logout")

        assert not any(map(is_usable, (before, tokens)))
        assert not any(map(is_refreshed, (before, tokens)))

    @pytest.mark.req("REQ-49")
    def test_truthful(self, user: User):
        """Only the call that ended the session says so; the first reason and time stay."""
        tokens = start(user)

        assert sessions.revoke_session(row(tokens), reason="admin")
        assert not sessions.revoke_session(row(tokens), reason="logout")
        assert not sessions.revoke_session(tokens.session, reason="logout")
        assert row(tokens).revoked_reason == "admin"
        assert events("revoked") == [("revoked", "admin")]

    @pytest.mark.req("REQ-49")
    def test_expired_is_not_revoked(self, user: User, clock: Clock):
        """What has expired cannot be revoked any more, but for the leeway between clocks."""
        tokens, other = start(user), start(user)
        clock.time = row(tokens).expires_at
        assert sessions.revoke_session(row(other), reason="admin")
        clock.advance(seconds=30)

        assert not sessions.revoke_session(row(tokens), reason="admin")
        assert end_reason(tokens) == "expired"

    @pytest.mark.req("REQ-49")
    def test_unknown(self, user: User):
        """A session that does not exist was not ended."""
        tokens = start(user)
        AuthSession.objects.all().delete()

        assert not sessions.revoke_session(tokens.session, reason="admin")
        assert events("revoked") == []

    def test_who_and_why(self, user: User, staff: User, clock: Clock):
        """The row and the event say who did it, why, in which words, and from where."""
        tokens = start(user)
        sessions.revoke_session(
            row(tokens), reason="r" * 40, actor=staff, note="n" * 300, origin=Origin("192.0.2.9")
        )
        session, event = row(tokens), AuthEvent.objects.get(type="revoked")

        assert (session.revoked_by, session.revoked_at) == (staff, clock())
        assert (session.revoked_reason, session.revoked_note) == ("r" * 32, "n" * 200)
        assert (event.actor, event.user, event.ip) == (staff, user, "192.0.2.9")
        assert event.detail == {"note": "n" * 200}

    def test_coarse_reason(self, user: User):
        """A project's own reason is ``revoked`` to the holder of the token."""
        tokens = start(user)
        sessions.revoke_session(row(tokens), reason="fraud team")

        assert end_reason(tokens) == "revoked"


class TestMany:
    @pytest.mark.req("REQ-49")
    def test_counts_what_it_ended(self, user: User, clock: Clock, received: Any):
        """Of sessions alive, ended and named twice, those that it ended are counted."""
        calls = received(session_revoked)
        alive, other, ended = start(user), start(user), start(user)
        sessions.revoke_session(row(ended), reason="logout")
        stale = [alive.session, alive.session, ended.session, other.session]
        clock.advance(seconds=1)

        assert sessions.revoke_sessions(stale, reason="admin") == 2
        assert events("revoked") == [("revoked", "logout"), *[("revoked", "admin")] * 2]
        assert calls[1]["count"] == 2
        assert {found.pk for found in calls[1]["sessions"]} == {
            alive.session.pk,
            other.session.pk,
        }
        assert all(found.revoked_reason == "admin" for found in calls[1]["sessions"])

    def test_none(self, db: None, django_assert_num_queries: Any):
        """Nothing is nothing, without a query."""
        with django_assert_num_queries(0):
            assert sessions.revoke_sessions([], reason="admin") == 0

    def test_of_several_users(self, user: User, staff: User, received: Any):
        """One signal, which names no user if they are several."""
        calls = received(session_revoked)
        sessions.revoke_sessions([start(user).session, start(staff).session], reason="admin")

        assert [(call["user"], call["count"]) for call in calls] == [(None, 2)]


@pytest.mark.req("REQ-43")
class TestAllOfAUser:
    @pytest.fixture
    def users(self, db: None) -> list[User]:
        """Three users."""
        return [get_user_model().objects.create_user(name) for name in ("ada", "bob", "cy")]

    def test_nobody_elses(self, users: list[User], received: Any):
        """All of one user's sessions end, and no one else's; one event, one signal."""
        calls = received(session_revoked, fails=True)
        tokens = {user.username: [start(user) for _ in range(3)] for user in users}
        count = sessions.revoke_user_sessions(users[0], reason="admin", actor=users[1])

        assert count == 3
        assert not any(map(is_usable, tokens["ada"]))
        assert not any(map(is_refreshed, tokens["ada"]))
        assert all(map(is_usable, tokens["bob"] + tokens["cy"]))
        assert AuthEvent.objects.get(type="revoked").detail == {"count": 3}
        assert [(call["sessions"], call["count"], call["user"]) for call in calls] == [
            ([], 3, users[0])
        ]

    @pytest.mark.parametrize("by_id", [True, False], ids=["id", "row"])
    def test_keep(self, users: list[User], by_id: Any):
        """One may be kept, by its row or by its id."""
        kept, other = start(users[0]), start(users[0])
        keep = kept.session.pk if by_id else kept.session

        assert sessions.revoke_user_sessions(users[0], reason="user", keep=keep) == 1
        assert is_usable(kept)
        assert not is_usable(other)

    def test_again(self, users: list[User], received: Any):
        """The second time there is nothing to end, to record or to announce."""
        start(users[0])
        sessions.revoke_user_sessions(users[0], reason="user")
        calls = received(session_revoked)

        assert sessions.revoke_user_sessions(users[0], reason="user") == 0
        assert len(events("revoked")) == 1
        assert calls == []

    def test_later_ones_live(self, users: list[User]):
        """A session that starts afterwards is not meant."""
        sessions.revoke_user_sessions(users[0], reason="user")

        assert is_usable(start(users[0]))


@pytest.mark.django_db(transaction=True)
class TestInATransaction:
    @pytest.mark.req("REQ-29")
    def test_effect_and_signal_with_the_commit(self, user: User, received: Any):
        """Inside the caller's transaction, effect and signal come with the commit."""
        calls = received(session_revoked)
        tokens = start(user)
        with transaction.atomic():
            assert sessions.revoke_session(row(tokens), reason="admin")
            assert calls == []

        assert [call["reason"] for call in calls] == ["admin"]
        assert not is_usable(tokens)

    def test_rolled_back(self, user: User, received: Any):
        """What is rolled back was not revoked, recorded or announced."""
        calls = received(session_revoked)
        tokens = start(user)
        with transaction.atomic():
            sessions.revoke_user_sessions(user, reason="admin")
            transaction.set_rollback(True)

        assert is_usable(tokens)
        assert calls == events("revoked") == []


@pytest.mark.req("REQ-23", "REQ-120")
class TestForgetUser:
    @pytest.mark.django_db(transaction=True)
    def test_deletion(self, user: User, clock: Clock, received: Any):
        """Deleting a user ends the sessions and keeps them, without a trace of the person."""
        calls = received(session_revoked)
        phone = Origin("192.0.2.1", "Ada's phone")
        tokens = start(user, device_name="Ada's phone", origin=phone)
        clock.advance(hours=1)
        key, tokens = user.pk, refresh(tokens)
        user.delete()
        session, history = row(tokens), RefreshToken.objects.all()

        assert (session.user, session.revoked_reason) == (None, "deleted")
        assert (session.first_ip, session.last_ip, session.device_name) == (None, None, "")
        assert session.first_user_agent == session.last_user_agent == ""
        assert {(line.ip, line.user_agent) for line in history} == {(None, "")}
        assert {(event.ip, event.user_agent) for event in AuthEvent.objects.all()} == {(None, "")}
        assert AuthEvent.objects.get(type="revoked").user_key == str(key)
        assert [(call["user"].pk, call["count"]) for call in calls] == [(key, 1)]
        assert end_reason(tokens) == "account"

    def test_without_sessions(self, user: User, received: Any):
        """Deleting a user who has none records and announces nothing."""
        calls = received(session_revoked)
        user.delete()

        assert calls == events() == []

    def test_actor(self, user: User, staff: User):
        """Deleting who revoked a session keeps the revocation and the actor's key."""
        tokens, key = start(user), str(staff.pk)
        sessions.revoke_session(row(tokens), reason="admin", actor=staff)
        staff.delete()
        event = AuthEvent.objects.get(type="revoked")

        assert (row(tokens).revoked_by, row(tokens).revoked_reason) == (None, "admin")
        assert (event.actor, event.actor_key) == (None, key)


class TestBefore:
    def test_ends_what_began_before(self, user: User, clock: Clock):
        """Sessions from before a time end; that time itself and later ones stay."""
        old = start(user)
        clock.advance(minutes=1)
        at, new = start(user), start(user)
        clock.advance(minutes=1)

        assert sessions.revoke_user_sessions(user, reason="admin", before=row(at).created_at) == 1
        assert not is_usable(old)
        assert is_usable(at)
        assert is_usable(new)

    def test_with_one_to_keep(self, user: User, clock: Clock):
        """Both narrow what ends."""
        kept, old = start(user), start(user)
        later = clock.advance(minutes=1)

        assert (
            sessions.revoke_user_sessions(user, reason="admin", before=later, keep=kept.session)
            == 1
        )
        assert is_usable(kept)
        assert not is_usable(old)

    def test_needs_a_time_zone(self, user: User, clock: Clock):
        """A time that may mean another hour ends nothing."""
        tokens = start(user)
        with pytest.raises(ValueError, match="time zone"):
            sessions.revoke_user_sessions(user, reason="admin", before=clock().replace(tzinfo=None))
        assert is_usable(tokens)

    def test_all_are_those_that_existed(self, user: User, clock: Clock):
        """A login in the same moment, after it was asked, is a new session and stays."""
        old = start(user)
        assert sessions.revoke_user_sessions(user, reason="admin") == 1
        new = start(user)

        assert not is_usable(old)
        assert is_usable(new)
