"""Checks of the keys that tokens rest on. No message quotes a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from tokenauth.checks.problem import Problem
from tokenauth.conf import config
from tokenauth.tokens.keys import KeyProblem

__all__ = [
    "check_key_lists",
    "check_keys_are_not_shared",
    "check_secret_key_is_strong",
    "check_secret_key_is_usable",
    "check_secret_key_signs_nothing",
]

NOT_A_KEY_LIST = Problem(
    "E020",
    "{setting} is not a list.",
    "Set it to a list of keys, the one that signs first, or remove it.",
)
BAD_KEY = Problem(
    "E021",
    "{setting} cannot be used. {problem}",
    "Make keys with manage.py tokenauth_key, or os.urandom(32) for symmetric ones, and keep them "
    "outside of the code.",
)
SECRET_KEY_AS_KEY = Problem(
    "E022",
    "{setting} holds SECRET_KEY or one of SECRET_KEY_FALLBACKS.",
    "Remove it from the list: with an empty list, keys are derived from SECRET_KEY. A key that "
    "other services hold must not sign anything else.",
)
SHARED_KEY = Problem(
    "E023",
    "TOKENAUTH_SIGNING_KEYS and TOKENAUTH_REFRESH_KEYS share a key.",
    "Give each list keys of its own: whoever verifies access tokens must not hold what makes "
    "refresh tokens.",
)
NO_SECRET = Problem(
    "E024",
    "{setting} cannot have a key derived from it.",
    "SECRET_KEY must be a text that is not empty, and SECRET_KEY_FALLBACKS a list of such. A key "
    "derived from an empty text is known to everybody.",
)
WEAK_SECRET = Problem(
    "E025",
    "{setting} is short, repetitive or the one that startproject wrote, and keys are derived "
    "from it.",
    "Set it to at least 50 random characters, or set TOKENAUTH_SIGNING_KEYS and "
    "TOKENAUTH_REFRESH_KEYS.",
)

SIGNING = "TOKENAUTH_SIGNING_KEYS"
REFRESH = "TOKENAUTH_REFRESH_KEYS"
SECRET_LENGTH = 50
SECRET_CHARACTERS = 5
STARTPROJECT_PREFIX = "django-insecure-"


def _is_list(setting: str) -> bool:
    return isinstance(getattr(settings, setting, ()), list | tuple)


def _is_given(setting: str) -> bool:
    return _is_list(setting) and bool(getattr(settings, setting, ()))


def _signing_keys() -> set[bytes]:
    # The symmetric ones: only those can be in two places.
    return {key.material for key in config.signing_keys.keys if isinstance(key.material, bytes)}


def _refresh_keys() -> set[bytes]:
    return {key.secret for key in config.refresh_keys.keys}


_LISTS: dict[str, Callable[[], set[bytes]]] = {SIGNING: _signing_keys, REFRESH: _refresh_keys}


def _load(setting: str) -> set[bytes]:
    """Return the symmetric keys of a list that is given; none if it cannot be used."""
    if not _is_given(setting):
        return set()
    try:
        return _LISTS[setting]()
    except KeyProblem:  # check_key_lists() says which
        return set()


def check_key_lists(**_: Any) -> list[CheckMessage]:
    """Each list of keys is one, and can be loaded (E020, E021)."""
    found = []
    for setting, load in _LISTS.items():
        if not _is_list(setting):
            found.append(NOT_A_KEY_LIST.found(setting=setting))
        elif _is_given(setting):
            try:
                load()
            except KeyProblem as problem:
                found.append(BAD_KEY.found(setting=setting, problem=problem))
    return found


def _secrets() -> dict[str, list[object]]:
    """Return what keys are derived from, by setting; anything at all may be in it."""
    try:
        secret: object = settings.SECRET_KEY
    except ImproperlyConfigured:
        secret = ""
    fallbacks: object = settings.SECRET_KEY_FALLBACKS
    listed = list(fallbacks) if isinstance(fallbacks, list | tuple) else [None]
    return {"SECRET_KEY": [secret], "SECRET_KEY_FALLBACKS": listed}


def _is_secret(value: object) -> bool:
    return isinstance(value, str | bytes) and bool(value)


def _are_derived() -> bool:
    return not (_is_given(SIGNING) and _is_given(REFRESH))


def check_secret_key_is_usable(**_: Any) -> list[CheckMessage]:
    """Every secret that keys are derived from is one (E024).

    ``SECRET_KEY_FALLBACKS = [os.environ.get("OLD_KEY", "")]`` would verify whatever anybody signs
    with the key derived from the empty text; a text in place of the list, with that of a letter.
    """
    if not _are_derived():
        return []
    return [
        NO_SECRET.found(setting=setting)
        for setting, values in _secrets().items()
        if not all(_is_secret(value) for value in values)
    ]


def check_secret_key_signs_nothing(**_: Any) -> list[CheckMessage]:
    """``SECRET_KEY`` itself is in no list (E022)."""
    secrets = {
        value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        for values in _secrets().values()
        for value in values
        if isinstance(value, str | bytes)
    }
    return [
        SECRET_KEY_AS_KEY.found(setting=setting) for setting in _LISTS if secrets & _load(setting)
    ]


def check_keys_are_not_shared(**_: Any) -> list[CheckMessage]:
    """No key is in both lists (E023)."""
    return [SHARED_KEY.found()] if _load(SIGNING) & _load(REFRESH) else []


def _is_weak(value: object) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return isinstance(text, str) and (
        len(text) < SECRET_LENGTH
        or len(set(text)) < SECRET_CHARACTERS
        or text.startswith(STARTPROJECT_PREFIX)
    )


def check_secret_key_is_strong(**_: Any) -> list[CheckMessage]:
    """Every secret that keys are derived from is long and random (E025)."""
    if not _are_derived():
        return []
    return [
        WEAK_SECRET.found(setting=setting)
        for setting, values in _secrets().items()
        if any(_is_weak(value) for value in values)
    ]
