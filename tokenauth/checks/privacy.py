"""Checks of what is kept about people, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.problem import Problem
from tokenauth.conf import ADDRESSES, USER_AGENTS, config

__all__ = ["check_kept", "check_retentions", "check_retentions_fit"]

FAILED_LOGIN_RETENTION_OUT_OF_RANGE = Problem(
    "E115",
    "TOKENAUTH_FAILED_LOGIN_RETENTION is not a timedelta of 1 to 3,650 days.",
    "Set it to how long you need a failed login at hand, or remove it: the default is 90 days.",
)
FAILED_LOGIN_RETENTION_TOO_LONG = Problem(
    "E116",
    "TOKENAUTH_FAILED_LOGIN_RETENTION is longer than TOKENAUTH_EVENT_RETENTION.",
    "Shorten it, or raise the other: no event is kept for longer than that.",
)
PERSONAL_DATA_RETENTION_OUT_OF_RANGE = Problem(
    "E117",
    "TOKENAUTH_PERSONAL_DATA_RETENTION is neither None nor a timedelta of 1 to 3,650 days.",
    "Set it to how long addresses and user agents may be kept, or remove it: they then stay as "
    "long as the rows that they stand in.",
)
UNKNOWN_ADDRESSES = Problem(
    "E118",
    "TOKENAUTH_ADDRESSES has a value that does not exist.",
    'Remove it, or set it to "full", "truncated" or "off".',
)
UNKNOWN_USER_AGENTS = Problem(
    "E119",
    "TOKENAUTH_USER_AGENTS has a value that does not exist.",
    'Remove it, or set it to "full", "device" or "off".',
)

SHORTEST = timedelta(days=1)
LONGEST = timedelta(days=3650)


def _is_in_range(value: object) -> bool:
    return isinstance(value, timedelta) and SHORTEST <= value <= LONGEST


def check_retentions(**_: Any) -> list[CheckMessage]:
    """Each retention is a ``timedelta`` in range (E115, E117)."""
    personal: object = config.personal_data_retention
    found = []
    if not _is_in_range(config.failed_login_retention):
        found.append(FAILED_LOGIN_RETENTION_OUT_OF_RANGE.found())
    if personal is not None and not _is_in_range(personal):
        found.append(PERSONAL_DATA_RETENTION_OUT_OF_RANGE.found())
    return found


def check_retentions_fit(**_: Any) -> list[CheckMessage]:
    """What a project asks for failed logins is not more than for all events (E116)."""
    values = (config.failed_login_retention, config.event_retention)
    is_set = hasattr(settings, "TOKENAUTH_FAILED_LOGIN_RETENTION")
    if not is_set or not all(map(_is_in_range, values)) or values[0] <= values[1]:
        return []
    return [FAILED_LOGIN_RETENTION_TOO_LONG.found()]


def check_kept(**_: Any) -> list[CheckMessage]:
    """What is kept of addresses and user agents is a word that exists (E118, E119)."""
    addresses: object = config.addresses
    user_agents: object = config.user_agents
    found = []
    if not isinstance(addresses, str) or addresses not in ADDRESSES:
        found.append(UNKNOWN_ADDRESSES.found())
    if not isinstance(user_agents, str) or user_agents not in USER_AGENTS:
        found.append(UNKNOWN_USER_AGENTS.found())
    return found
