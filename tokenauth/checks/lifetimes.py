"""Checks of durations: of the project, and of each client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage

from tokenauth.checks.clients import readable_clients
from tokenauth.checks.problem import Problem
from tokenauth.conf import config

__all__ = [
    "check_access_lifetime_is_short",
    "check_durations",
    "check_event_retention",
    "check_grace_period",
    "check_login_clients_are_not_privileged",
    "check_relations",
]

NOT_A_DURATION = Problem(
    "E010",
    "{setting} is not a timedelta.",
    "Set it to a datetime.timedelta, such as timedelta(minutes=5).",
)
LIFETIME_OUT_OF_RANGE = Problem(
    "E011",
    "{setting} is not between 1 second and 365 days.",
    "Set it to a duration in this range. No session and no token lives for ever.",
)
GRACE_OUT_OF_RANGE = Problem(
    "E012",
    "TOKENAUTH_GRACE_PERIOD is not between 0 and 10 minutes.",
    "Set it to the time after which clients give up plus the time that a request can take; "
    "the default is 30 seconds.",
)
IDLE_TOO_SHORT = Problem(
    "E013",
    "{owner}: the idle lifetime is not longer than the access token's lifetime plus the grace "
    "period.",
    "Raise the idle lifetime or shorten the other two. A session in use would end between two "
    "refreshes.",
)
IDLE_TOO_LONG = Problem(
    "E014",
    "{owner}: the idle lifetime is longer than the absolute lifetime.",
    "Shorten the idle lifetime, or raise the absolute one.",
)
RETENTION_OUT_OF_RANGE = Problem(
    "E015",
    "TOKENAUTH_EVENT_RETENTION is not between 1 and 3,650 days.",
    "Set it to how long you may, and must, keep a record of who logged in from where; the default "
    "is 365 days. What has to be kept for longer belongs into an archive.",
)
LONG_ACCESS = Problem(
    "W010",
    "{setting} is longer than an hour.",
    "Shorten it: services that verify access tokens by signature alone do not see a revocation "
    "until the token expires. Refresh is silent, so minutes are enough.",
)
LONG_UNPROVED = Problem(
    "W011",
    "{client} lives longer than the project's default, and anybody may log in as it.",
    "Set login to False and start its sessions by tokenauth.sessions.start_session(): at the "
    "login endpoint the name of the client is the caller's word.",
)

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=365)
LONGEST_GRACE = timedelta(minutes=10)
LONGEST_ACCESS = timedelta(hours=1)
SHORTEST_RETENTION = timedelta(days=1)
LONGEST_RETENTION = timedelta(days=3650)
ROLES = {
    "access": "TOKENAUTH_ACCESS_TOKEN_LIFETIME",
    "idle": "TOKENAUTH_IDLE_LIFETIME",
    "absolute": "TOKENAUTH_ABSOLUTE_LIFETIME",
}


@dataclass(frozen=True, slots=True)
class _Lifetimes:
    """The lifetimes of one owner, as they are set: anything at all.

    Attributes:
        owner: whose, as it is said in a message.
        own: those that the owner sets itself: by role, how it is said in a message.
        values: by role.
    """

    owner: str
    own: Mapping[str, str]
    values: Mapping[str, Any]

    @property
    def are_usable(self) -> bool:
        """Whether each is a duration in range, so that they can be compared and added."""
        return all(_is_in_range(value) for value in self.values.values())


def _is_in_range(value: object) -> bool:
    return isinstance(value, timedelta) and SHORTEST <= value <= LONGEST


def _is_good_grace(value: object) -> bool:
    return isinstance(value, timedelta) and timedelta(0) <= value <= LONGEST_GRACE


def _of_project() -> _Lifetimes:
    values = {
        "access": config.access_token_lifetime,
        "idle": config.idle_lifetime,
        "absolute": config.absolute_lifetime,
    }
    return _Lifetimes("The project", ROLES, values)


def _of_client(name: str, entry: Mapping[Any, Any], project: _Lifetimes) -> _Lifetimes:
    own = {role: f"{name}['{role}_lifetime']" for role in ROLES if f"{role}_lifetime" in entry}
    values = {role: entry.get(f"{role}_lifetime", project.values[role]) for role in ROLES}
    return _Lifetimes(name, own, values)


def _everybodys() -> list[_Lifetimes]:
    project = _of_project()
    clients = [_of_client(name, entry, project) for name, entry in readable_clients()]
    return [project, *(lifetimes for lifetimes in clients if lifetimes.own)]


def check_durations(**_: Any) -> list[CheckMessage]:
    """Each lifetime is a ``timedelta`` in range (E010, E011)."""
    found = []
    for lifetimes in _everybodys():
        for role, setting in lifetimes.own.items():
            value = lifetimes.values[role]
            if not isinstance(value, timedelta):
                found.append(NOT_A_DURATION.found(setting=setting))
            elif not _is_in_range(value):
                found.append(LIFETIME_OUT_OF_RANGE.found(setting=setting))
    return found


def check_grace_period(**_: Any) -> list[CheckMessage]:
    """The grace period is a ``timedelta`` in range (E010, E012)."""
    grace: object = config.grace_period
    if not isinstance(grace, timedelta):
        return [NOT_A_DURATION.found(setting="TOKENAUTH_GRACE_PERIOD")]
    return [] if _is_good_grace(grace) else [GRACE_OUT_OF_RANGE.found()]


def check_event_retention(**_: Any) -> list[CheckMessage]:
    """The retention of events is a ``timedelta`` in range (E010, E015)."""
    retention: object = config.event_retention
    if not isinstance(retention, timedelta):
        return [NOT_A_DURATION.found(setting="TOKENAUTH_EVENT_RETENTION")]
    is_in_range = SHORTEST_RETENTION <= retention <= LONGEST_RETENTION
    return [] if is_in_range else [RETENTION_OUT_OF_RANGE.found()]


def check_relations(**_: Any) -> list[CheckMessage]:
    """Access and grace fit into idle, and idle into absolute (E013, E014)."""
    found = []
    grace = config.grace_period if _is_good_grace(config.grace_period) else timedelta(0)
    for lifetimes in _everybodys():
        if not lifetimes.are_usable:
            continue
        access, idle, absolute = (lifetimes.values[role] for role in ROLES)
        if idle <= access + grace:
            found.append(IDLE_TOO_SHORT.found(owner=lifetimes.owner))
        if idle > absolute:
            found.append(IDLE_TOO_LONG.found(owner=lifetimes.owner))
    return found


def check_access_lifetime_is_short(**_: Any) -> list[CheckMessage]:
    """No access token outlives a revocation by more than an hour elsewhere (W010)."""
    return [
        LONG_ACCESS.found(setting=lifetimes.own["access"])
        for lifetimes in _everybodys()
        if "access" in lifetimes.own
        and _is_in_range(lifetimes.values["access"])
        and lifetimes.values["access"] > LONGEST_ACCESS
    ]


def check_login_clients_are_not_privileged(**_: Any) -> list[CheckMessage]:
    """No lifetime above the project's can be had by naming a client (W011)."""
    project = _of_project()
    if not project.are_usable:
        return []
    found = []
    for name, entry in readable_clients():
        values = _of_client(name, entry, project).values
        if (
            entry.get("login", True)
            and all(_is_in_range(value) for value in values.values())
            and any(values[role] > project.values[role] for role in ROLES)
        ):
            found.append(LONG_UNPROVED.found(client=name))
    return found
