"""What is kept for people: audit rows, log records, and the history of refresh tokens."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Clock
from tests.domain import is_usable, refresh, row, start
from tokenauth import sessions
from tokenauth.audit import HISTORY_KEPT, Origin, clean, keep_history
from tokenauth.issuing import Tokens
from tokenauth.models import AuthEvent, RefreshToken


class TestClean:
    @pytest.mark.req("REQ-128")
    @pytest.mark.parametrize("char", "\n\r\t\0\x1b\x7f\x85\u2028\u202e\u2066\u200f\ud800\ufeff")
    def test_what_forges_or_reorders_a_line(self, char: str):
        """Controls, line breaks, direction marks and lone surrogates become a question mark."""
        assert clean(f"a{char}b", 10) == "a?b"

    def test_length(self):
        """A longer text is cut."""
        assert clean("Zürich 東京", 8) == "Zürich 東"

    @given(st.text(), st.integers(0, 500))
    def test_any_text(self, text: str, length: int):
        """Whatever comes in, one printable line goes out, and a second time the same."""
        line = clean(text, length)

        assert line.isprintable()
        assert len(line) == min(len(text), length)
        assert clean(line, length) == line

    def test_user_agent(self):
        """An origin's user agent is clean from the start."""
        assert Origin("192.0.2.1", "curl\nroot" + "x" * 500).user_agent == "curl?root" + "x" * 391


class TestRecord:
    @pytest.mark.req("REQ-128")
    def test_row_and_record(self, user: User, caplog: Any):
        """Each event is a row, and log records of one line."""
        with caplog.at_level(logging.INFO, "tokenauth.audit"):
            tokens = start(user, origin=Origin("192.0.2.1", "curl\nlogin user=root"))
        event = AuthEvent.objects.get()
        lines = [record for record in caplog.records if record.name == "tokenauth.audit"]

        assert (event.type, event.user, event.session_id) == ("login", user, tokens.session.pk)
        assert event.user_key == str(user.pk)
        assert {record.levelname for record in lines} == {"INFO"}
        assert not [record for record in lines if "\n" in record.getMessage()]

    @pytest.mark.django_db(transaction=True)
    def test_is_logged_when_it_is_committed(self, user: User, caplog: Any):
        """What was rolled back has not happened."""
        with caplog.at_level(logging.INFO, "tokenauth.audit"):
            with transaction.atomic():
                start(user)
                transaction.set_rollback(True)
            rolled_back = list(caplog.records)
            start(user)

        assert rolled_back == []
        assert caplog.records[0].event == "authn_login_success"

    def test_failed_login(self, db: None):
        """A failed login keeps where it came from, and not what was typed."""
        sessions.record_failed_login(client="browser", origin=Origin("192.0.2.66"))
        event = AuthEvent.objects.get()

        assert (event.type, event.user, event.user_key) == ("login_failed", None, "")
        assert (event.ip, event.detail) == ("192.0.2.66", {"client": "browser"})


def generations(tokens: Tokens) -> list[int]:
    """Return which generations the history has."""
    rows = RefreshToken.objects.filter(session=tokens.session).order_by("generation")
    return list(rows.values_list("generation", flat=True))


class TestHistory:
    def test_one_row_per_generation(self, user: User, clock: Clock):
        """Each generation issued has a row: at login, and at each rotation."""
        tokens = start(user)
        now = clock.advance(hours=1)
        refresh(tokens)
        refresh(tokens)

        assert generations(tokens) == [0, 1]
        assert RefreshToken.objects.get(generation=1).issued_at == now

    @pytest.mark.req("REQ-133")
    def test_newest_fifty_are_kept(self, user: User, clock: Clock):
        """Every fiftieth rotation leaves the newest fifty; other sessions keep theirs."""
        tokens = first = start(user)
        other = start(user)
        for _ in range(2 * HISTORY_KEPT - 1):
            clock.advance(seconds=30)
            tokens = refresh(tokens)
        assert generations(first) == list(range(1, 100))
        clock.advance(seconds=30)
        refresh(tokens)

        assert generations(first) == list(range(51, 101))
        assert generations(other) == [0]

    def test_a_failure_fails_nothing(self, user: User, clock: Clock, caplog: Any):
        """If the history cannot be written, the rotation stands and the failure is logged."""

        def refuse(execute: Any, sql: str, *rest: Any) -> Any:
            if "INSERT" in sql and "tokenauth_refreshtoken" in sql:
                raise DatabaseError("permission denied")
            return execute(sql, *rest)

        tokens = start(user)
        clock.advance(hours=1)
        with connection.execute_wrapper(refuse):
            renewed = refresh(tokens)

        assert is_usable(renewed)
        assert row(tokens).generation == 1
        assert [record.levelname for record in caplog.records if "misses" in record.message] == [
            "ERROR"
        ]

    def test_a_line_that_is_there_fails_nothing(self, user: User, clock: Clock):
        """After a restored backup a generation may be in the history already."""
        tokens = start(user)
        RefreshToken.objects.create(session=tokens.session, generation=1, issued_at=clock())
        clock.advance(hours=1)

        assert is_usable(refresh(tokens))
        assert row(tokens).generation == 1
        assert generations(tokens) == [0, 1]

    @pytest.mark.django_db(transaction=True)
    def test_a_failure_in_a_transaction(self, user: User, clock: Clock):
        """Nor does it spoil a transaction that is open, which would undo a login."""
        tokens = start(user)
        with transaction.atomic():
            keep_history(row(tokens), Origin())
            later = start(user)

        assert is_usable(later)
        assert connection.is_usable()
