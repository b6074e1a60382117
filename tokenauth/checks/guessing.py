"""Checks of what slows down guesses, and of the cache that counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage

from tokenauth.checks.functions import function_faults
from tokenauth.checks.problem import Problem
from tokenauth.conf import FREE_FAILURES, config

__all__ = [
    "check_account_key",
    "check_guesses_are_counted_atomically",
    "check_guesses_are_counted_together",
    "check_guessing",
]

NOT_A_MAPPING = Problem(
    "E090",
    "TOKENAUTH_GUESSING is not a mapping, nor None.",
    'Set it as in {{"account": 50}}, or to None if something else slows down guesses.',
)
UNKNOWN_COUNTER = Problem(
    "E091",
    "TOKENAUTH_GUESSING has the unknown counter {counter}.",
    "Remove it. The counters are pair, account and address.",
)
BAD_FREE = Problem(
    "E092",
    "TOKENAUTH_GUESSING['{counter}'] is not a whole number from 1 to {most}.",
    "Set it to how many failures in a row are free. NIST SP 800-63B-4 allows 100 for an account.",
)
BAD_ACCOUNT_KEY = Problem(
    "E093",
    "TOKENAUTH_ACCOUNT_KEY is not the dotted path of a function.",
    'Set it to a path such as "accounts.names.key" that can be imported, or remove it.',
)
ASYNC_ACCOUNT_KEY = Problem(
    "E094",
    "TOKENAUTH_ACCOUNT_KEY is an async function.",
    "Make it a plain one. It only writes a name in one way, and waits for nothing.",
)
OWN_MEMORY = Problem(
    "W090",
    "The cache {alias} counts guesses, and each process has one of its own, or none.",
    "Name a cache in TOKENAUTH_THROTTLE_CACHE that all processes share, such as Redis: whoever "
    "guesses has as many tries as there are processes, and every restart forgets them.",
)
NOT_ATOMIC = Problem(
    "W091",
    "The cache {alias} counts guesses, and loses some of those that come at once.",
    "Name a cache in TOKENAUTH_THROTTLE_CACHE that adds in one step: Redis or Memcached.",
)

MOST = {"pair": 100, "account": 100, "address": 100_000}


def check_guessing(**_: Any) -> list[CheckMessage]:
    """Each counter exists, and has a number of free failures in range (E090, E091, E092)."""
    free: object = getattr(settings, "TOKENAUTH_GUESSING", None)
    if free is None:
        return []
    if not isinstance(free, Mapping):
        return [NOT_A_MAPPING.found()]
    unknown = [name for name in free if name not in FREE_FAILURES]
    found = [UNKNOWN_COUNTER.found(counter=_label(name)) for name in unknown]
    for name in FREE_FAILURES:
        value = free.get(name, 1)
        if type(value) is not int or not 1 <= value <= MOST[name]:
            found.append(BAD_FREE.found(counter=name, most=MOST[name]))
    return found


def _label(name: object) -> str:
    return repr(name[:40]) if isinstance(name, str) else type(name).__name__


def check_account_key(**_: Any) -> list[CheckMessage]:
    """What names an account is a plain function that can be imported (E093, E094)."""
    return function_faults(
        "TOKENAUTH_ACCOUNT_KEY",
        lambda: config.account_key,
        missing=BAD_ACCOUNT_KEY,
        is_async=ASYNC_ACCOUNT_KEY,
    )


def check_guesses_are_counted_together(**_: Any) -> list[CheckMessage]:
    """The cache that counts is one for all processes (W090)."""
    return [OWN_MEMORY.found(alias=_alias())] if _is_own_memory(_cache()) else []


def check_guesses_are_counted_atomically(**_: Any) -> list[CheckMessage]:
    """The cache that counts adds in one step (W091)."""
    cache = _cache()
    if cache is None or _is_own_memory(cache):
        return []
    adds_in_two_steps = type(cache).incr is BaseCache.incr
    return [NOT_ATOMIC.found(alias=_alias())] if adds_in_two_steps else []


def _is_own_memory(cache: BaseCache | None) -> bool:
    return isinstance(cache, LocMemCache | DummyCache)


def _cache() -> BaseCache | None:
    if getattr(settings, "TOKENAUTH_GUESSING", {}) is None:
        return None
    try:
        return caches[config.throttle_cache]
    except Exception:  # noqa: BLE001 - whatever is wrong with it, another check says so
        return None


def _alias() -> str:
    return repr(config.throttle_cache)
