"""What every setting that names a function of the project by its dotted path must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.problem import Problem

__all__ = ["function_faults"]


def function_faults(
    name: str, load: Callable[[], Any], *, missing: Problem, is_async: Problem
) -> list[CheckMessage]:
    """Return what is wrong with a setting that names a plain function, if it is set.

    An empty text, as an environment variable that is not set would be, is no function.

    Args:
        name: of the setting.
        load: returns the function that the setting names.
        missing: what to report where there is none.
        is_async: what to report of one that is async.
    """
    path: object = getattr(settings, name, None)
    if path is None:
        return []
    try:
        function = load() if isinstance(path, str) else None
    except Exception:  # noqa: BLE001 - whatever the module raises, the function is not there
        function = None
    if not callable(function):
        return [missing.found()]
    of_instance = getattr(function, "__call__", None)  # noqa: B004 - whether it is async, not whether it is there
    if iscoroutinefunction(function) or iscoroutinefunction(of_instance):
        return [is_async.found()]
    return []
