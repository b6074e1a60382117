"""Checks of ``TOKENAUTH_SECOND_STEP``."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.problem import Problem
from tokenauth.conf import config

__all__ = ["check_second_step", "check_second_step_is_reached"]

BAD_SECOND_STEP = Problem(
    "E100",
    "TOKENAUTH_SECOND_STEP is not the dotted path of a function.",
    'Set it to a path such as "accounts.mfa.verify" that can be imported, or remove it.',
)
ASYNC_SECOND_STEP = Problem(
    "E101",
    "TOKENAUTH_SECOND_STEP is an async function.",
    "Make it a plain one: it is called in a thread, where it may wait.",
)
SECOND_STEP_WITHOUT_GATE = Problem(
    "E102",
    "TOKENAUTH_SECOND_STEP is set without TOKENAUTH_LOGIN_GATE, so nobody is asked for it: the "
    "password alone would pass.",
    "Set TOKENAUTH_LOGIN_GATE to the function that asks for the second step, or remove it.",
)


def _path() -> object:
    return getattr(settings, "TOKENAUTH_SECOND_STEP", None)


def check_second_step(**_: Any) -> list[CheckMessage]:
    """The second step is judged by a plain function that can be imported (E100, E101).

    An empty text, as an environment variable that is not set would be, is no function.
    """
    path = _path()
    if path is None:
        return []
    try:
        verify = config.second_step if isinstance(path, str) else None
    except Exception:  # noqa: BLE001 - whatever the module raises, the function is not there
        verify = None
    if not callable(verify):
        return [BAD_SECOND_STEP.found()]
    if iscoroutinefunction(verify) or iscoroutinefunction(getattr(verify, "__call__", None)):  # noqa: B004 - of an instance
        return [ASYNC_SECOND_STEP.found()]
    return []


def check_second_step_is_reached(**_: Any) -> list[CheckMessage]:
    """A gate asks for the second step (E102)."""
    gate: object = getattr(settings, "TOKENAUTH_LOGIN_GATE", None)
    return [SECOND_STEP_WITHOUT_GATE.found()] if _path() is not None and gate is None else []
