"""Checks of ``TOKENAUTH_SECOND_STEP``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.functions import function_faults
from tokenauth.checks.problem import Problem
from tokenauth.conf import config

__all__ = ["check_second_step", "check_second_step_is_reached"]

SETTING = "TOKENAUTH_SECOND_STEP"
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


def check_second_step(**_: Any) -> list[CheckMessage]:
    """The second step is judged by a plain function that can be imported (E100, E101)."""
    return function_faults(
        SETTING,
        lambda: config.second_step,
        missing=BAD_SECOND_STEP,
        is_async=ASYNC_SECOND_STEP,
    )


def check_second_step_is_reached(**_: Any) -> list[CheckMessage]:
    """A gate asks for the second step (E102)."""
    gate: object = getattr(settings, "TOKENAUTH_LOGIN_GATE", None)
    step: object = getattr(settings, SETTING, None)
    return [SECOND_STEP_WITHOUT_GATE.found()] if step is not None and gate is None else []
