"""Transactions: refused, waited for, retried."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, transaction

from tokenauth.database import after_commit, in_transaction, refuse_transaction, retry
from tokenauth.exceptions import TryAgain


class TestInTransaction:
    def test_of_a_test_case(self, db: None):
        """The transaction around a test does not count."""
        assert not in_transaction("default")
        refuse_transaction("default")

    def test_of_a_caller(self, db: None):
        """A caller's does."""
        with transaction.atomic():
            assert in_transaction("default")
            with pytest.raises(RuntimeError):
                refuse_transaction("default")


class TestAfterCommit:
    def test_at_once(self, db: None):
        """Without a transaction it is done at once."""
        done: list[str] = []
        after_commit(lambda: done.append("now"), "default")

        assert done == ["now"]

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("commits", ["commit", "rollback"])
    def test_in_a_transaction(self, commits: str):
        """Within one it waits for the commit, and is dropped with a rollback."""
        done: list[str] = []
        with transaction.atomic():
            after_commit(lambda: done.append("commit"), "default")
            assert done == []
            transaction.set_rollback(commits == "rollback")

        assert done == (["commit"] if commits == "commit" else [])


def refused(times: int) -> tuple[Callable[[], int], list[int]]:
    """Return a function that the database refuses so often, and the list of its calls."""
    calls: list[int] = []

    @retry
    def work() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise OperationalError("could not serialize access")
        return len(calls)

    return work, calls


class TestRetry:
    @pytest.mark.parametrize("times", [0, 1, 2])
    def test_again(self, db: None, times: int):
        """What the database refuses is done again, twice at most."""
        work, _ = refused(times)

        assert work() == times + 1

    def test_three_times(self, db: None):
        """The third refusal is passed on as a request to try again, with its cause."""
        work, calls = refused(3)
        with pytest.raises(TryAgain) as raised:
            work()

        assert len(calls) == 3
        assert isinstance(raised.value.__cause__, OperationalError)

    def test_not_in_a_transaction(self, db: None):
        """In a caller's transaction nothing is done again: all of it would have to be."""
        work, calls = refused(1)
        with transaction.atomic(), pytest.raises(OperationalError):
            work()

        assert len(calls) == 1
