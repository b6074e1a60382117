"""The limit of a client: how many sessions a user may have of it."""

import logging
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from tests.conftest import PASSWORD, Api, Clock
from tests.domain import end_reason, events, is_refreshed, is_usable, row, start
from tokenauth import limits, system
from tokenauth.exceptions import TryAgain
from tokenauth.issuing import Tokens
from tokenauth.models import AuthSession
from tokenauth.sessions import revoke_session, revoke_sessions, start_session
from tokenauth.signals import session_revoked

pytestmark = pytest.mark.req("REQ-11")

CLIENTS = {
    "browser": {"transport": "cookie", "limit": 1},
    "app": {"transport": "body", "limit": 3},
    "sensor": {"transport": "body"},
}


@pytest.fixture(autouse=True)
def limited(settings: Any) -> None:
    """Three phones, one browser, any number of sensors."""
    settings.TOKENAUTH_CLIENTS = CLIENTS


def start_many(user: User, clock: Clock, count: int, **options: Any) -> list[Tokens]:
    """Start so many sessions, a second after each other."""
    found = []
    for _ in range(count):
        clock.advance(seconds=1)
        found.append(start(user, **options))
    return found


def living(**wanted: Any) -> set[Any]:
    """Return the ids of the sessions that were not revoked."""
    return set(AuthSession.objects.filter(revoked_at=None, **wanted).values_list("pk", flat=True))


def ids(tokens: list[Tokens]) -> set[Any]:
    """Return the ids of sessions."""
    return {each.session.pk for each in tokens}


class TestOldest:
    def test_ends(self, user: User, clock: Clock) -> None:
        """The fourth login ends the first session, and no other."""
        found = start_many(user, clock, 4)
        assert living() == ids(found[1:])
        assert not is_usable(found[0])
        assert is_usable(found[1])

    def test_ends_with_a_reason_of_its_own(self, user: User, clock: Clock) -> None:
        """Staff see why; its holder is told that it was revoked."""
        found = start_many(user, clock, 4)
        assert row(found[0]).revoked_reason == "limit"
        assert events("revoked") == [("revoked", "limit")]
        assert end_reason(found[0]) == "revoked"

    def test_is_by_the_login_and_not_by_the_last_use(self, user: User, clock: Clock) -> None:
        """A session in use is as old as its login."""
        found = start_many(user, clock, 3)
        clock.advance(hours=1)
        assert is_refreshed(found[0])
        start(user)
        assert row(found[0]).revoked_reason == "limit"

    def test_is_by_the_time_whatever_the_id(self, user: User, clock: Clock) -> None:
        """The hosts' clocks make both; where they differ, the time of the login counts."""
        found = start_many(user, clock, 3)
        later = clock() + timedelta(seconds=1)
        AuthSession.objects.filter(pk=found[0].session.pk).update(created_at=later)
        clock.advance(seconds=1)
        start_many(user, clock, 1)
        assert row(found[1]).revoked_reason == "limit"
        assert len(living()) == 3

    def test_is_by_the_id_among_those_of_one_moment(self, user: User, clock: Clock) -> None:
        """Logins of one microsecond have an order too: that of their ids."""
        found = [start(user) for _ in range(5)]
        assert living() == set(sorted(ids(found))[2:])

    def test_end_together_where_the_limit_is_new(
        self, user: User, clock: Clock, settings: Any
    ) -> None:
        """The first login under a limit ends all that are too many."""
        settings.TOKENAUTH_CLIENTS = {"app": {"transport": "body"}}
        start_many(user, clock, 8)
        settings.TOKENAUTH_CLIENTS = CLIENTS
        (last,) = start_many(user, clock, 1)
        assert len(living()) == 3
        assert last.session.pk in living()

    def test_end_in_batches(
        self, user: User, clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Very many are ended some at a time, the last batch full or not."""
        monkeypatch.setattr(limits, "LIMIT_BATCH", 2)
        settings.TOKENAUTH_CLIENTS = {"app": {"transport": "body"}}
        start_many(user, clock, 8)
        settings.TOKENAUTH_CLIENTS = CLIENTS
        found = start_many(user, clock, 1)
        assert len(living()) == 3
        assert ids(found) < living()

    def test_are_announced_once(
        self, user: User, clock: Clock, settings: Any, received: Callable[..., Any]
    ) -> None:
        """One signal for all that a login ends, with their user, and without a query for it."""
        settings.TOKENAUTH_CLIENTS = {"app": {"transport": "body"}}
        start_many(user, clock, 5)
        settings.TOKENAUTH_CLIENTS = CLIENTS
        calls = received(session_revoked)
        start_many(user, clock, 1)
        assert [(call["reason"], call["count"], call["user"]) for call in calls] == [
            ("limit", 3, user)
        ]


class TestCount:
    def test_is_of_one_client(self, user: User, clock: Clock) -> None:
        """Each client has its own limit, and one without has none."""
        kept = start_many(user, clock, 3)
        sensors = [start_session(user, client="sensor") for _ in range(5)]
        start_session(user, client="browser")
        clock.advance(seconds=1)
        browser = start_session(user, client="browser")
        assert living() == ids([*kept, *sensors, browser])

    def test_is_of_one_user(self, user: User, clock: Clock) -> None:
        """Another user's sessions neither count nor end."""
        other = start_many(User.objects.create_user("bob", password=PASSWORD), clock, 3)
        mine = start_many(user, clock, 3)
        assert living() == ids(other) | ids(mine)

    def test_leaves_out_what_was_revoked(self, user: User, clock: Clock) -> None:
        """Who logs out has room again."""
        found = start_many(user, clock, 3)
        revoke_session(row(found[2]), reason="logout")
        start(user)
        assert row(found[0]).revoked_at is None

    def test_leaves_out_what_has_expired(self, user: User, clock: Clock) -> None:
        """An expired session takes no room, and stays expired."""
        found = start_many(user, clock, 3)
        AuthSession.objects.filter(pk=found[2].session.pk).update(expires_at=clock())
        start(user)
        assert row(found[0]).revoked_at is None
        assert row(found[2]).revoked_at is None

    def test_leaves_out_what_was_found_expired(self, user: User, clock: Clock) -> None:
        """What one host has found expired is so for all, whatever their clocks say."""
        found = start_many(user, clock, 3)
        AuthSession.objects.filter(pk=found[2].session.pk).update(end_recorded_at=clock())
        start(user)
        assert row(found[0]).revoked_at is None

    def test_is_right_where_a_login_replaces(self, user: User, clock: Clock) -> None:
        """A login over the browser's own cookie ends that session once, as replaced."""
        browser = Api()
        assert browser.login().status_code == 200
        clock.advance(seconds=1)
        assert browser.login().status_code == 200
        assert events("revoked") == [("revoked", "replaced")]
        assert browser.whoami().status_code == 200

    def test_of_one_ends_the_other_browser(self, browser: Api, clock: Clock) -> None:
        """With a limit of 1, the newest login is the only one."""
        clock.advance(seconds=1)
        other = Api()
        assert other.login().status_code == 200
        assert other.whoami().status_code == 200
        assert browser.whoami().status_code == 401


class TestTransaction:
    @pytest.mark.django_db(transaction=True)
    def test_of_the_caller_is_waited_for(self, user: User, clock: Clock) -> None:
        """Nothing ends before the login is committed, and nothing for one that never is."""
        found = start_many(user, clock, 3)
        with transaction.atomic():
            start_many(user, clock, 1)
            assert living() >= ids(found)
            transaction.set_rollback(True)
        assert living() == ids(found)
        with transaction.atomic():
            later = start_many(user, clock, 1)
        assert living() == ids(found[1:] + later)


class TestFailure:
    @pytest.mark.parametrize("error", [DatabaseError("no"), TryAgain("no")])
    def test_fails_no_login(
        self,
        user: User,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
    ) -> None:
        """The login stands, the log says so, and the next login does it again."""

        def refuse(*_args: Any, **_kwargs: Any) -> int:
            raise error

        with monkeypatch.context() as broken, caplog.at_level(logging.ERROR):
            broken.setattr(limits, "revoke_sessions", refuse)
            found = start_many(user, clock, 4)
        assert is_usable(found[-1])
        assert len(living()) == 4
        assert "more sessions of app than allowed" in caplog.text
        start_many(user, clock, 1)
        assert len(living()) == 3

    def test_is_tried_again(
        self, user: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever loses to another clean-up looks again."""
        found = start_many(user, clock, 3)
        answers = [TryAgain("lost"), TryAgain("lost")]

        def lose_twice(*args: Any, **kwargs: Any) -> int:
            if answers:
                raise answers.pop()
            return revoke_sessions(*args, **kwargs)

        monkeypatch.setattr(limits, "revoke_sessions", lose_twice)
        later = start_many(user, clock, 1)
        assert living() == ids(found[1:] + later)


def test_many_sessions_cost_no_memory_of_all(user: User, clock: Clock) -> None:
    """With 2,000 living ones and a limit of 3, no statement names more than a batch."""
    first = row(start(user, device_name="first"))
    others = [copy(first) for _ in range(2000)]
    for other in others:
        other.pk = system.new_id()
    AuthSession.objects.bulk_create(others, batch_size=500)
    clock.advance(seconds=1)
    (last,) = start_many(user, clock, 1)
    assert len(living()) == 3
    assert last.session.pk in living()
