"""Tokens are made from the session's row, and lead back to it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.conftest import Clock
from tests.domain import refresh, row, start
from tokenauth import sessions
from tokenauth.issuing import find_sessions, identify_token, issue_tokens
from tokenauth.models import AuthSession

GARBAGE = ["", "x", "A" * 64, "e30.e30.e30"]


class TestIssue:
    def test_same_generation_same_token(self, user: User, clock: Clock):
        """A refresh token is a function of the row: asked again, it is the same."""
        session = row(start(user))
        first = issue_tokens(session, clock(), with_refresh=True)

        assert issue_tokens(row(first), clock(), with_refresh=True).refresh == first.refresh

    @pytest.mark.req("REQ-26")
    def test_not_in_the_database(self, user: User, clock: Clock):
        """No column of any table holds a token, whole or in part."""
        tokens = start(user)
        clock.advance(hours=1)
        renewed = refresh(tokens)
        with connection.cursor() as cursor:
            dump = ""
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our tables
                dump += repr(cursor.fetchall())

        assert str(row(tokens).pk).replace("-", "") in dump.replace("-", "")
        for token in (tokens.refresh, renewed.refresh, tokens.access, renewed.access):
            assert token
            assert token[-16:] not in dump

    @pytest.mark.req("REQ-26")
    def test_a_dump_does_not_suffice(self, user: User, settings: Any, clock: Clock):
        """The same row under another application key gives another token."""
        session = row(start(user))
        ours = issue_tokens(session, clock(), with_refresh=True)
        settings.SECRET_KEY = "a thief's guess" * 4

        assert issue_tokens(session, clock(), with_refresh=True).refresh != ours.refresh

    @pytest.mark.req("REQ-25")
    def test_unique(self, user: User):
        """Sessions of one user in one moment have nothing secret in common."""
        found = {start(user).refresh[-34:] for _ in range(50)}  # type: ignore[index]

        assert len(found) == 50

    def test_repr(self, user: User):
        """The text of the tokens is not in ``repr()``."""
        tokens = start(user)

        assert tokens.access not in repr(tokens)
        assert str(tokens.refresh) not in repr(tokens)


class TestFind:
    def test_refresh_token_of_any_generation(self, user: User, clock: Clock):
        """A superseded token finds its session, without alarm."""
        oldest = start(user)
        tokens = oldest
        for _ in range(3):
            clock.advance(hours=1)
            tokens = refresh(tokens)

        assert find_sessions(refresh_tokens=[str(oldest.refresh)]) == [row(tokens)]
        assert row(tokens).revoked_at is None

    def test_expired_access_token(self, user: User, clock: Clock):
        """An access token of any age finds its session while that lives."""
        tokens = start(user)
        clock.advance(days=13)

        assert find_sessions(access_tokens=[tokens.access]) == [row(tokens)]

    def test_both(self, user: User):
        """Tokens of two sessions find two, tokens of one find it once."""
        one, two = start(user), start(user)
        found = find_sessions(
            refresh_tokens=[str(one.refresh)], access_tokens=[one.access, two.access]
        )

        assert {session.pk for session in found} == {one.session.pk, two.session.pk}

    def test_garbage(self, db: None, django_assert_num_queries: Any):
        """What is not authentic by itself finds nothing, without a query."""
        with django_assert_num_queries(0):
            assert find_sessions(refresh_tokens=GARBAGE, access_tokens=GARBAGE) == []

    def test_kinds_are_not_mixed(self, user: User):
        """A token of one kind in the place of the other finds nothing."""
        tokens = start(user)

        assert (
            find_sessions(refresh_tokens=[tokens.access], access_tokens=[str(tokens.refresh)]) == []
        )

    def test_forged(self, user: User):
        """A refresh token that the row's seed did not make finds nothing."""
        tokens = start(user)
        AuthSession.objects.update(seed=bytes(32))

        assert find_sessions(refresh_tokens=[str(tokens.refresh)]) == []

    def test_ended(self, user: User, clock: Clock):
        """Ended sessions are not found: there is nothing to end."""
        revoked, expired = start(user), start(user)
        sessions.revoke_session(row(revoked), reason="logout")
        assert find_sessions(access_tokens=[revoked.access]) == []
        clock.advance(days=15)

        assert find_sessions(refresh_tokens=[str(expired.refresh)]) == []


class TestIdentify:
    def test_by_either_token_of_any_generation(self, user: User, clock: Clock):
        """The session, the kind of token, and of which generation it is."""
        first = start(user)
        clock.advance(hours=1)
        second = refresh(first)
        for generation, tokens in enumerate([first, second]):
            for kind in ("refresh", "access"):
                found = identify_token(str(getattr(tokens, kind)))
                assert found is not None
                assert (found.session.pk, found.kind) == (first.session.pk, kind)
                assert (found.generation, found.session.generation) == (generation, 1)

    def test_of_what_has_ended(self, user: User, clock: Clock):
        """Which ``find_sessions`` does not find: here nothing is decided by it."""
        tokens = start(user)
        sessions.revoke_session(row(tokens), reason="lost")
        clock.advance(days=100)
        user.delete()
        for raw in (tokens.refresh, tokens.access):
            assert identify_token(str(raw)) is not None
        assert find_sessions(refresh_tokens=[str(tokens.refresh)]) == []

    @pytest.mark.req("REQ-26")
    @pytest.mark.parametrize("kind", ["refresh", "access"])
    def test_not_by_a_forged_one(self, user: User, clock: Clock, kind: str):
        """That names the session and proves nothing."""
        raw = str(getattr(start(user), kind))
        assert identify_token(raw[:-1] + ("A" if raw[-1] != "A" else "B")) is None

    def test_a_refresh_token_of_another_session(self, user: User, clock: Clock):
        """The proof is of one session: its end does not fit another's beginning."""
        one, other = str(start(user).refresh), str(start(user).refresh)
        assert identify_token(one[:32] + other[32:]) is None

    @pytest.mark.parametrize("raw", GARBAGE)
    def test_garbage_costs_no_query(self, user: User, raw: str, django_assert_num_queries: Any):
        """Nothing is asked of the database."""
        with django_assert_num_queries(0):
            assert identify_token(raw) is None

    def test_of_a_session_that_is_gone(self, user: User, clock: Clock):
        """Clean-up removed the row: there is nothing to show."""
        tokens = start(user)
        AuthSession.objects.all().delete()
        assert identify_token(str(tokens.refresh)) is None
        assert identify_token(tokens.access) is None
