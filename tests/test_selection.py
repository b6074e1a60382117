"""What lists of sessions are narrowed by: the states, and bounds of time."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import Clock
from tests.console import make, save
from tokenauth import selection
from tokenauth.accounts import end_of
from tokenauth.models import AuthSession, EndReason
from tokenauth.selection import State, created_between, in_state, not_seen_since, seen_since

EVERY = [(age, silent) for age in (0, 1, 13, 15, 20, 31, 45) for silent in (0, 1, 13, 15, 31)]


def ids(rows: Any) -> set[Any]:
    """Return the ids of rows."""
    return {row.pk for row in rows}


@pytest.fixture
def rows(clock: Clock, user: User) -> list[AuthSession]:
    """Living, idle, expired and revoked sessions, of which some are of nobody."""
    made = []
    for age, silent in EVERY:
        made += [
            make(clock, user, age=age, silent=silent),
            make(clock, user, age=age, silent=silent, revoked_at=clock()),
        ]
        made.append(make(clock, user, age=age, silent=silent))
        made[-1].user = None
    return save(made)


class TestInState:
    def test_agrees_with_the_rule_of_requests(self, rows: list[AuthSession], clock: Clock) -> None:
        """Active here is what a request may use; the two kinds of expired are what has expired."""
        ends = {one.pk: end_of(one, clock()) for one in AuthSession.objects.with_user()}
        found = {state: ids(in_state(AuthSession.objects.all(), state, clock())) for state in State}
        assert found[State.ACTIVE] == {key for key, end in ends.items() if end is None}
        expired = {key for key, end in ends.items() if end is EndReason.EXPIRED}
        assert found[State.IDLE] | found[State.EXPIRED] == expired
        assert found[State.IDLE] & found[State.EXPIRED] == set()
        assert found[State.REVOKED] == {one.pk for one in rows if one.revoked_at}
        assert all(found.values())

    def test_a_deactivated_account_is_not_active(
        self, rows: list[AuthSession], clock: Clock
    ) -> None:
        """Nor does it count as expired or revoked."""
        User.objects.update(is_active=False)
        assert not in_state(AuthSession.objects.all(), State.ACTIVE, clock())

    def test_users_without_that_column(
        self, rows: list[AuthSession], clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A project whose users cannot be deactivated is not asked for the column."""

        class Model:
            _meta = AuthSession._meta  # has none

        monkeypatch.setattr(selection, "get_user_model", lambda: Model)
        User.objects.update(is_active=False)
        assert in_state(AuthSession.objects.all(), State.ACTIVE, clock())

    @pytest.mark.parametrize("idle", [1, 14, 29])
    def test_the_shortest_lifetime_of_any_client_counts(
        self, clock: Clock, user: User, settings: Any, idle: int
    ) -> None:
        """A client of its own idle lifetime is found as soon as it is over."""
        settings.TOKENAUTH_CLIENTS = {
            "app": {"transport": "body"},
            "short": {"transport": "body", "idle_lifetime": timedelta(days=idle)},
        }
        one = make(clock, user, age=idle, silent=idle, expires_at=clock())
        save([one])
        assert ids(in_state(AuthSession.objects.all(), State.IDLE, clock())) == {one.pk}


class TestTimes:
    @pytest.mark.parametrize("days", [0.5, 1, 14, 30, 44])
    def test_seen_and_not_seen_are_all(
        self, rows: list[AuthSession], clock: Clock, days: float
    ) -> None:
        """Each row is in one of the two, by its last use."""
        at = clock() - timedelta(days=days)
        seen = ids(seen_since(AuthSession.objects.all(), at))
        silent = ids(not_seen_since(AuthSession.objects.all(), at))
        assert seen == {one.pk for one in rows if one.last_seen_at >= at}
        assert silent == ids(rows) - seen

    @pytest.mark.parametrize("first", [None, 45, 20, 0])
    @pytest.mark.parametrize("last", [None, 31, 20, 0, -1])
    def test_created_between(
        self, rows: list[AuthSession], clock: Clock, first: int | None, last: int | None
    ) -> None:
        """The first moment counts and the last does not."""
        begin = None if first is None else clock() - timedelta(days=first)
        end = None if last is None else clock() - timedelta(days=last)
        assert ids(created_between(AuthSession.objects.all(), begin, end)) == {
            one.pk
            for one in rows
            if (begin is None or one.created_at >= begin) and (end is None or one.created_at < end)
        }
