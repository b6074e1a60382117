"""Checks of ``TOKENAUTH_CLIENTS`` and of who may log in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.functions import function_faults
from tokenauth.checks.mounts import has_login
from tokenauth.checks.problem import Problem
from tokenauth.conf import DEFAULT_CLIENTS, config

__all__ = [
    "check_client_entries",
    "check_client_names",
    "check_clients",
    "check_gate",
    "check_second_steps_have_a_gate",
    "check_somebody_can_log_in",
    "readable_clients",
]

BAD_CLIENTS = Problem(
    "E050",
    "TOKENAUTH_CLIENTS is not a mapping with at least one client.",
    'Set it as in {{"browser": {{"transport": "cookie"}}}}, or remove it.',
)
BAD_CLIENT_NAME = Problem(
    "E051",
    "TOKENAUTH_CLIENTS has a name that is not a line of 1 to 64 printable characters.",
    "Rename the client: its name is stored with each session and is in each access token.",
)
BAD_CLIENT = Problem(
    "E052",
    "{client} is not a mapping.",
    'Set it as in {{"transport": "cookie"}}.',
)
UNKNOWN_CLIENT_KEY = Problem(
    "E053",
    "{client} has the unknown key {key}.",
    "Keys are transport, access_lifetime, idle_lifetime, absolute_lifetime, login and limit.",
)
BAD_TRANSPORT = Problem(
    "E054",
    "{client} does not say how its refresh token travels.",
    'Set its transport: "cookie" for browsers, "body" for everything else.',
)
BAD_CLIENT_LOGIN = Problem(
    "E055",
    "{client} has a login that is not True or False.",
    "Set it to False if the login endpoint must not be asked for this client.",
)
NOBODY_CAN_LOG_IN = Problem(
    "E056",
    "login/ is mounted, but none of TOKENAUTH_CLIENTS may log in there.",
    "Mount tokenauth.urls_without_login instead, or remove login: False from a client.",
)
BAD_GATE = Problem(
    "E057",
    "TOKENAUTH_LOGIN_GATE is not the dotted path of a function.",
    'Set it to a path such as "accounts.mfa.gate" that can be imported, or remove it.',
)
ASYNC_GATE = Problem(
    "E058",
    "TOKENAUTH_LOGIN_GATE is an async function.",
    "Make it a plain one: it is called in a thread, where it may wait.",
)
STEP_PASSED_BY = Problem(
    "E059",
    "login/ is mounted beside {what}, which it does not know: the password alone would pass.",
    "Set TOKENAUTH_LOGIN_GATE to a function that asks for the step, or mount "
    "tokenauth.urls_without_login and call tokenauth.login() at the end of the other login.",
)
BAD_LIMIT = Problem(
    "E105",
    "{client} has a limit that is not a whole number between 1 and 1,000.",
    "Set it to how many sessions a user may have of this client, or remove it: then there is none.",
)

MAX_LIMIT = 1000
MAX_NAME_LENGTH = 64
KEYS = ("transport", "access_lifetime", "idle_lifetime", "absolute_lifetime", "login", "limit")
TRANSPORTS = ("cookie", "body")


def _clients() -> Mapping[Any, Any]:
    clients = getattr(settings, "TOKENAUTH_CLIENTS", DEFAULT_CLIENTS)
    return clients if isinstance(clients, Mapping) else {}


def readable_clients() -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Yield the clients that are mappings, each with its name as it is said in a message."""
    for name, entry in _clients().items():
        if isinstance(entry, Mapping):
            yield _label(name), entry


def _label(name: object) -> str:
    shown = repr(name[:MAX_NAME_LENGTH]) if isinstance(name, str) else type(name).__name__
    return f"TOKENAUTH_CLIENTS[{shown}]"


def check_clients(**_: Any) -> list[CheckMessage]:
    """There is at least one client (E050)."""
    return [] if _clients() else [BAD_CLIENTS.found()]


def check_client_names(**_: Any) -> list[CheckMessage]:
    """Every client has a name that can be stored and sent (E051)."""
    good = (
        isinstance(name, str) and 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()
        for name in _clients()
    )
    return [] if all(good) else [BAD_CLIENT_NAME.found()]


def check_client_entries(**_: Any) -> list[CheckMessage]:
    """Every client has a transport, and no key that nobody reads (E052 to E055, E105)."""
    found = []
    for name, entry in _clients().items():
        if isinstance(entry, Mapping):
            found += _problems_of(_label(name), entry)
        else:
            found.append(BAD_CLIENT.found(client=_label(name)))
    return found


def _problems_of(client: str, entry: Mapping[Any, Any]) -> list[CheckMessage]:
    found = [
        UNKNOWN_CLIENT_KEY.found(
            client=client, key=repr(key[:40]) if isinstance(key, str) else type(key).__name__
        )
        for key in entry
        if key not in KEYS
    ]
    if not isinstance(entry.get("transport"), str) or entry["transport"] not in TRANSPORTS:
        found.append(BAD_TRANSPORT.found(client=client))
    if not isinstance(entry.get("login", True), bool):
        found.append(BAD_CLIENT_LOGIN.found(client=client))
    if "limit" in entry and not _is_limit(entry["limit"]):
        found.append(BAD_LIMIT.found(client=client))
    return found


def _is_limit(value: object) -> bool:
    # True is an int, and means nothing here.
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_LIMIT


def check_somebody_can_log_in(**_: Any) -> list[CheckMessage]:
    """The login endpoint, if there is one, has a client (E056)."""
    entries = [entry for _name, entry in readable_clients()]
    if not entries or any(entry.get("login", True) for entry in entries) or not has_login():
        return []
    return [NOBODY_CAN_LOG_IN.found()]


def check_gate(**_: Any) -> list[CheckMessage]:
    """The login gate is a plain function that can be imported (E057, E058).

    An empty text, as an environment variable that is not set would be, must not open the gate.
    """
    return function_faults(
        "TOKENAUTH_LOGIN_GATE", lambda: config.login_gate, missing=BAD_GATE, is_async=ASYNC_GATE
    )


def check_second_steps_have_a_gate(**_: Any) -> list[CheckMessage]:
    """What allauth asks for after the password is not passed by (E059)."""
    if getattr(settings, "TOKENAUTH_LOGIN_GATE", None) is not None:
        return []
    steps = []
    if apps.is_installed("allauth.mfa"):
        steps.append("allauth.mfa")
    verification = getattr(settings, "ACCOUNT_EMAIL_VERIFICATION", None)
    if apps.is_installed("allauth.account") and _is_mandatory(verification):
        steps.append("allauth's mandatory e-mail verification")
    if not steps or not has_login():
        return []
    return [STEP_PASSED_BY.found(what=step) for step in steps]


def _is_mandatory(verification: object) -> bool:
    # True is allauth's older way to say it.
    return verification is True or (
        isinstance(verification, str) and verification.lower() == "mandatory"
    )
