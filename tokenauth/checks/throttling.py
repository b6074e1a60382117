"""Checks of ``TOKENAUTH_THROTTLE_RATES``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.problem import Problem
from tokenauth.conf import DEFAULT_RATES
from tokenauth.throttles import parse_rate

__all__ = ["check_throttle_rates"]

NOT_A_MAPPING = Problem(
    "E095",
    "TOKENAUTH_THROTTLE_RATES is not a mapping.",
    'Set it to a mapping such as {{"refresh": "600/min"}}, or remove it.',
)
UNKNOWN_LIMIT = Problem(
    "E096",
    "TOKENAUTH_THROTTLE_RATES has a limit that does not exist: {name!a}.",
    "The limits are {names}.",
)
NOT_A_RATE = Problem(
    "E097",
    "TOKENAUTH_THROTTLE_RATES has no rate for {name!a}.",
    'Write a whole number above 0 and "s", "min", "h" or "day", such as "120/min", or None for '
    "no limit.",
)

# REST framework looks at the first letter alone: to it, a month is a minute.
_PERIODS = frozenset({"s", "sec", "second", "m", "min", "minute", "h", "hour", "d", "day"})


def _is_rate(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, str) or value.partition("/")[2] not in _PERIODS:
        return False
    try:
        requests, _seconds = parse_rate(value)
    except ValueError:
        return False
    return requests > 0


def check_throttle_rates(**_: Any) -> list[CheckMessage]:
    """The limits exist, and each has a rate (E095, E096, E097)."""
    rates: object = getattr(settings, "TOKENAUTH_THROTTLE_RATES", {})
    if not isinstance(rates, Mapping):
        return [NOT_A_MAPPING.found()]
    names = ", ".join(f'"{name}"' for name in DEFAULT_RATES)
    unknown = [name for name in rates if name not in DEFAULT_RATES]
    wrong = [name for name in DEFAULT_RATES if not _is_rate(rates.get(name))]
    return [UNKNOWN_LIMIT.found(name=name, names=names) for name in unknown] + [
        NOT_A_RATE.found(name=name) for name in wrong
    ]
