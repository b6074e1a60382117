"""Counting what a password costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.hashers import PBKDF2PasswordHasher

ITERATIONS = 3000
QUICK = f"{__name__}.Quick"


class Quick(PBKDF2PasswordHasher):
    """Django's default hasher, with so few iterations that a test may count them."""

    iterations = ITERATIONS


@contextmanager
def hashing() -> Iterator[list[int]]:
    """Collect the iterations of each call of the key derivation function."""
    calls: list[int] = []
    derive: Any = vars(hashers)["pbkdf2"]

    def counted(password: Any, salt: Any, iterations: int, **more: Any) -> Any:
        calls.append(iterations)
        return derive(password, salt, iterations, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashers, "pbkdf2", counted)
        yield calls
