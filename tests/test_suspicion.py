"""Which sessions are worth a look: the same to the database and to the page."""

from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import Clock
from tests.console import make, save
from tokenauth.codes import MANY_REPEATS
from tokenauth.models import AuthSession
from tokenauth.suspicion import Suspicion, suspicions_of, where_suspicious


@pytest.fixture
def rows(clock: Clock, user: User) -> list[AuthSession]:
    """Sessions with every combination of the four, and just below each."""
    choices: list[list[dict[str, Any]]] = [
        [{}, {"revoked_reason": "reuse", "revoked_at": clock()}, {"revoked_reason": "logout"}],
        [{}, {"late_run": 2}],
        [{"grace_count": MANY_REPEATS - 1}, {"grace_count": MANY_REPEATS}],
        [{"moves": 5}, {"moved_at": clock()}],
    ]
    combinations = (a | b | c | d for a, b, c, d in product(*choices))
    return save(make(clock, user, **facts) for facts in combinations)


def test_most_are_not(clock: Clock, user: User) -> None:
    """A login, and a session that moves and repeats a little, is nothing to look at."""
    assert suspicions_of(make(clock, user, moves=9, grace_count=9)) == []


@pytest.mark.parametrize("why", [None, *Suspicion])
def test_rows_and_words_agree(rows: list[AuthSession], why: Suspicion | None) -> None:
    """The condition in SQL finds what the page marks, for each reason and for any."""
    found = set(where_suspicious(AuthSession.objects.all(), why).values_list("pk", flat=True))
    marked = {
        one.pk
        for one in AuthSession.objects.all()
        if (why in suspicions_of(one) if why else suspicions_of(one))
    }
    assert found == marked
    assert 0 < len(found) < len(rows)


def test_several_at_once(clock: Clock, user: User) -> None:
    """Each reason is named."""
    session = make(clock, user, late_run=2, moved_at=clock())
    assert suspicions_of(session) == [Suspicion.LATE, Suspicion.MOVED]
