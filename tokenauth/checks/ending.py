"""Checks of what ends sessions, and of who may end them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.problem import Problem
from tokenauth.conf import ACCOUNT_CHANGES

__all__ = ["check_end_sessions_on", "check_revoke_max_age"]

BAD_CHANGES = Problem(
    "E106",
    "TOKENAUTH_END_SESSIONS_ON is not a list of changes that are known.",
    'Set it to a list of "email" and "permissions", such as ["email"], or remove it.',
)
BAD_MAX_AGE = Problem(
    "E107",
    "TOKENAUTH_REVOKE_MAX_AGE is not a timedelta between 1 minute and 365 days.",
    "Set it as in timedelta(minutes=5), or to None: then no recent proof is asked for.",
)

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=365)


def check_end_sessions_on(**_: Any) -> list[CheckMessage]:
    """The changes that end sessions are known (E106): a misspelt one would end none."""
    named: object = getattr(settings, "TOKENAUTH_END_SESSIONS_ON", ())
    if isinstance(named, list | tuple) and all(
        isinstance(name, str) and name in ACCOUNT_CHANGES for name in named
    ):
        return []
    return [BAD_CHANGES.found()]


def check_revoke_max_age(**_: Any) -> list[CheckMessage]:
    """The age of a proof is one that a user can keep to (E107)."""
    age: object = getattr(settings, "TOKENAUTH_REVOKE_MAX_AGE", None)
    if age is None or (isinstance(age, timedelta) and SHORTEST <= age <= LONGEST):
        return []
    return [BAD_MAX_AGE.found()]
