"""What a process remembers of first uses."""

import uuid

import pytest

from tokenauth import first_uses as module
from tokenauth.first_uses import FirstUses
from tokenauth.tokens.access import AccessToken


def token(number: int, generation: int = 0) -> AccessToken:
    """Return a token of a session by number."""
    return AccessToken({"sid": str(uuid.UUID(int=number)), "gen": generation})


def test_remembers_a_generation():
    """And those before it, not the next."""
    known = FirstUses()
    known.add(token(1, 5))
    assert token(1, 5) in known
    assert token(1, 4) in known
    assert token(1, 6) not in known
    assert token(2, 5) not in known


def test_an_older_one_makes_it_forget_nothing():
    """Tokens of two generations are in use side by side for a while."""
    known = FirstUses()
    known.add(token(1, 5))
    known.add(token(1, 4))
    assert token(1, 5) in known


def test_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """The oldest goes first."""
    monkeypatch.setattr(module, "MAX_REMEMBERED", 3)
    known = FirstUses()
    for number in range(5):
        known.add(token(number))
    known.add(token(2, 1))
    known.add(token(9))
    assert [number for number in range(10) if token(number) in known] == [2, 4, 9]
    assert len(known) == 3


def test_forgets_on_demand():
    """As a fork does."""
    known = FirstUses()
    known.add(token(1))
    known.reset()
    assert token(1) not in known
