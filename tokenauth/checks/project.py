"""Checks of the settings' names, of the small settings, and of the project around the app."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string
from rest_framework.settings import api_settings

from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.checks.problem import Problem
from tokenauth.conf import ACCESS_CHECKS, SETTINGS, config
from tokenauth.middleware import TokenAuthMiddleware

__all__ = [
    "check_access_token_check",
    "check_admin_user_pages",
    "check_authentication_order",
    "check_issuer_and_audience",
    "check_middleware",
    "check_setting_names",
    "check_time_zone",
]

UNKNOWN_SETTING = Problem(
    "E001",
    "{setting} is not a setting of tokenauth.",
    "{advice}",
)
UNKNOWN_ACCESS_CHECK = Problem(
    "E002",
    "TOKENAUTH_ACCESS_TOKEN_CHECK has a value that does not exist.",
    'Remove it, or set it to "session", "revocation-list" or "signature".',
)
NOT_A_NAME = Problem(
    "E003",
    "{setting} is neither None nor a line of 1 to 255 printable characters.",
    'Set it to a text such as "https://example.com", or remove it.',
)
LOCAL_TIME = Problem(
    "E004",
    "USE_TZ is False.",
    "Set USE_TZ = True. Without it a change of the clocks reads as an hour, which ends sessions "
    "or keeps them.",
)
NO_MIDDLEWARE = Problem(
    "E070",
    "tokenauth.middleware.TokenAuthMiddleware is not in MIDDLEWARE.",
    "Add it directly after django.contrib.auth.middleware.AuthenticationMiddleware.",
)
MISPLACED_MIDDLEWARE = Problem(
    "E071",
    "tokenauth.middleware.TokenAuthMiddleware is not in MIDDLEWARE exactly once, directly after "
    "AuthenticationMiddleware.",
    "Move it there: what stands between the two sees another user than the views do.",
)
BAD_ADMIN_USER_PAGES = Problem(
    "E080",
    "TOKENAUTH_ADMIN_USER_PAGES is not True or False.",
    "Set it to False if the admin's pages of users are to stay without sessions, or remove it.",
)
NOT_FIRST = Problem(
    "W070",
    "AccessTokenAuthentication is not the first of DRF's DEFAULT_AUTHENTICATION_CLASSES.",
    "Put it first: DRF takes the status of an unauthenticated request from the first class, and "
    "clients need the 401.",
)

MAX_NAME_LENGTH = 255


def check_setting_names(**_: Any) -> list[CheckMessage]:
    """No setting is misspelt: one that nobody reads protects nobody (E001)."""
    known = [f"TOKENAUTH_{name}" for name in SETTINGS]
    set_here = [name for name in dir(settings) if name.startswith("TOKENAUTH_")]
    found = []
    for name in set_here:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            advice = f"Did you mean {near[0]}?" if near else "Remove it."
            found.append(UNKNOWN_SETTING.found(setting=name, advice=advice))
    return found


def check_access_token_check(**_: Any) -> list[CheckMessage]:
    """The access token's check exists (E002)."""
    value: object = config.access_token_check
    is_known = isinstance(value, str) and value in ACCESS_CHECKS
    return [] if is_known else [UNKNOWN_ACCESS_CHECK.found()]


def check_issuer_and_audience(**_: Any) -> list[CheckMessage]:
    """Issuer and audience can be claims of a token (E003)."""
    values: dict[str, object] = {
        "TOKENAUTH_ISSUER": config.issuer,
        "TOKENAUTH_AUDIENCE": config.audience,
    }
    return [
        NOT_A_NAME.found(setting=setting)
        for setting, value in values.items()
        if value is not None and not _is_line(value)
    ]


def _is_line(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME_LENGTH and value.isprintable()


def check_time_zone(**_: Any) -> list[CheckMessage]:
    """Times are aware (E004)."""
    return [] if settings.USE_TZ else [LOCAL_TIME.found()]


def check_middleware(**_: Any) -> list[CheckMessage]:
    """The middleware is there once, directly after ``AuthenticationMiddleware`` (E070, E071)."""
    entries: object = settings.MIDDLEWARE
    classes = [_import(path) for path in entries] if isinstance(entries, list | tuple) else []
    places = [index for index, cls in enumerate(classes) if _is_a(cls, TokenAuthMiddleware)]
    if not places:
        return [NO_MIDDLEWARE.found()]
    first = places[0]
    if len(places) > 1 or first == 0 or not _is_a(classes[first - 1], AuthenticationMiddleware):
        return [MISPLACED_MIDDLEWARE.found()]
    return []


def _import(path: Any) -> object:
    try:
        return import_string(path)
    except Exception:  # noqa: BLE001 - Django says so itself, when it loads the middleware
        return None


def _is_a(found: object, wanted: type) -> bool:
    return isinstance(found, type) and issubclass(found, wanted)


def check_authentication_order(**_: Any) -> list[CheckMessage]:
    """Our class comes first where it is among DRF's defaults (W070)."""
    try:
        classes = list(api_settings.DEFAULT_AUTHENTICATION_CLASSES)
    except Exception:  # noqa: BLE001 - DRF says so itself, wherever it is used
        return []
    places = [index for index, cls in enumerate(classes) if _is_a(cls, AccessTokenAuthentication)]
    return [NOT_FIRST.found()] if places and places[0] > 0 else []


def check_admin_user_pages(**_: Any) -> list[CheckMessage]:
    """Sessions on the admin's pages of users are on or off (E080)."""
    wanted: object = config.admin_user_pages
    return [] if isinstance(wanted, bool) else [BAD_ADMIN_USER_PAGES.found()]
