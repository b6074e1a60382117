"""Transactions, retries and the one database that decides."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connections, router, transaction

from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthSession

__all__ = [
    "ATTEMPTS",
    "after_commit",
    "exempt_from_atomic_requests",
    "in_transaction",
    "is_held_by_test_case",
    "is_in_test_case",
    "refuse_transaction",
    "retry",
    "write_alias",
]

ATTEMPTS = 3
"""So often a write that lost a race is decided anew, before the client is asked to try again."""

P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V", bound=Callable[..., Any])


def write_alias() -> str:
    """Return the database that sessions are written to.

    Everything that decides is also read there: a replica that is a second behind would honour
    what has just been revoked.
    """
    return router.db_for_write(AuthSession)


def in_transaction(alias: str) -> bool:
    """Return whether somebody has a transaction open, a test case's own aside."""
    blocks = connections[alias].atomic_blocks
    # A TestCase wraps each test in a block that is never committed, and a project's tests must
    # still see what a request does.
    return any(not getattr(block, "_from_testcase", False) for block in blocks)


def refuse_transaction(alias: str) -> None:
    """Raise if the caller has a transaction open.

    Raises:
        RuntimeError: what follows must be committed when it returns: a caller's rollback, for
            example by the error response under ``ATOMIC_REQUESTS``, would undo a revocation.
    """
    if in_transaction(alias):
        raise RuntimeError(
            "This must not run inside a transaction, because a rollback would undo it. Call it "
            "outside atomic(), and mark a view that calls it with non_atomic_requests."
        )


def after_commit(action: Callable[[], Any], alias: str) -> None:
    """Run ``action`` once what was written is committed; at once if nothing is open."""
    if in_transaction(alias):
        transaction.on_commit(action, using=alias)
    else:
        action()


def exempt_from_atomic_requests(view: V) -> V:
    """Return a view that runs in no transaction of ``ATOMIC_REQUESTS``, on whatever database.

    A revocation must be committed before its answer is sent, and stay so whatever becomes of
    the response.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(alias)(view)
    return view


def is_in_test_case(alias: str) -> bool:
    """Return whether a ``TestCase`` is around it, in which no transaction is ever committed."""
    return any(
        getattr(block, "_from_testcase", False) for block in connections[alias].atomic_blocks
    )


def is_held_by_test_case(action: Callable[[], Any], alias: str) -> bool:
    """Return whether ``action`` waits for a commit that will not come.

    Under ``ATOMIC_REQUESTS`` a view's transaction has ended by then, but a ``TestCase`` commits
    nothing. What a rollback has thrown away does not wait.
    """
    waiting = connections[alias].run_on_commit
    return not in_transaction(alias) and any(entry[1] is action for entry in waiting)


def retry(function: Callable[P, T]) -> Callable[P, T]:
    """Make ``function`` run again when the database refuses to wait for other writers.

    Serialisation failures, deadlocks and lock timeouts reach us as ``OperationalError``. Inside
    a caller's transaction nothing is retried, because the whole of it would have to be.

    Raises:
        TryAgain: refused three times.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if in_transaction(write_alias()):
            return function(*args, **kwargs)
        for _ in range(ATTEMPTS):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                refused = error
        raise TryAgain("the database refused three times") from refused

    return run
