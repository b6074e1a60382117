"""Checks of the cookies' settings."""

from __future__ import annotations

import re
from http.cookies import CookieError, Morsel
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch

from tokenauth.checks.mounts import public_paths
from tokenauth.checks.problem import Problem
from tokenauth.conf import config
from tokenauth.cookies import ACCESS_NAME, PREFIXES, refresh_cookie_path

__all__ = [
    "check_access_cookie",
    "check_cookie_is_secure",
    "check_cookie_name",
    "check_cookie_name_is_free",
    "check_cookie_name_is_protected",
    "check_cookie_path",
    "check_cookie_path_leads_to_endpoints",
    "check_cookie_prefix",
    "check_cookie_samesite",
    "check_cookie_samesite_is_strict",
    "check_cookie_secure",
]

BAD_COOKIE_NAME = Problem(
    "E030",
    "TOKENAUTH_REFRESH_COOKIE_NAME is not the name of a cookie.",
    'Remove it, or set it to letters, digits, "-" and "_", such as "__Secure-my-refresh".',
)
TAKEN_COOKIE_NAME = Problem(
    "E031",
    "TOKENAUTH_REFRESH_COOKIE_NAME is the name of another cookie of this project.",
    "Choose a name of its own.",
)
PREFIX_NEEDS_ROOT = Problem(
    "E032",
    "TOKENAUTH_REFRESH_COOKIE_NAME has a __Host- prefix, but the cookie's path is not /.",
    'Set TOKENAUTH_REFRESH_COOKIE_PATH = "/", or begin the name with __Secure-. Browsers drop '
    "the cookie as it is.",
)
BAD_COOKIE_PATH = Problem(
    "E033",
    "TOKENAUTH_REFRESH_COOKIE_PATH is neither None nor a path.",
    'Set it to a path that begins with "/", in printable ASCII without ";", or remove it.',
)
PATH_MISSES_ENDPOINTS = Problem(
    "E034",
    "TOKENAUTH_REFRESH_COOKIE_PATH does not lead to {mount}, where the endpoints are: browsers "
    "would not send the cookie.",
    "Remove it, or set it to this path as browsers see it, with whatever a proxy strips in front.",
)
BAD_SAMESITE = Problem(
    "E035",
    "TOKENAUTH_REFRESH_COOKIE_SAMESITE is not one of Strict, Lax and None.",
    'Remove it: the default is "Strict".',
)
SAMESITE_NEEDS_SECURE = Problem(
    "E036",
    'TOKENAUTH_REFRESH_COOKIE_SAMESITE is "None", but the cookie is not Secure.',
    "Remove TOKENAUTH_REFRESH_COOKIE_SECURE. Browsers drop such a cookie.",
)
BAD_SECURE = Problem(
    "E037",
    "TOKENAUTH_REFRESH_COOKIE_SECURE is not None, True or False.",
    "Remove it: by default the cookie is Secure, but on plain http while DEBUG is on.",
)
BAD_ACCESS_COOKIE = Problem(
    "E038",
    "TOKENAUTH_ACCESS_COOKIE is not True or False.",
    "Set it to True if pages, downloads or WebSockets need the access token in a cookie.",
)
UNPROTECTED_NAME = Problem(
    "E040",
    "TOKENAUTH_REFRESH_COOKIE_NAME has no prefix that browsers protect.",
    "Remove it, or begin the name with __Secure-, or __Host-Http- with the path /. Otherwise a "
    "page on plain http can plant a cookie of this name.",
)
CROSS_SITE_COOKIE = Problem(
    "E041",
    'TOKENAUTH_REFRESH_COOKIE_SAMESITE is "None": every site makes browsers send the cookie.',
    "Serve the page and the API from one site and remove it.",
)
INSECURE_COOKIE = Problem(
    "E042",
    "TOKENAUTH_REFRESH_COOKIE_SECURE is False: the refresh token can be read on the network.",
    "Serve the site by https and remove it.",
)

MAX_NAME_LENGTH = 128
NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 6265 section 4.1.1: a token
PATH = re.compile(r"/[\x20-\x3a\x3c-\x7e]*")  # RFC 6265 section 4.1.1, path-av
SAMESITE = ("Strict", "Lax", "None")


def _is_name(name: object) -> bool:
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        return False
    try:
        morsel: Morsel[str] = Morsel()
        morsel.set(name, "", "")
    except CookieError:  # the name of an attribute, such as "path"
        return False
    return True


def _is_path(path: object) -> bool:
    return isinstance(path, str) and PATH.fullmatch(path) is not None


def check_cookie_name(**_: Any) -> list[CheckMessage]:
    """The refresh cookie's name is one (E030)."""
    name: object = config.refresh_cookie_name
    return [] if name is None or _is_name(name) else [BAD_COOKIE_NAME.found()]


def check_cookie_name_is_free(**_: Any) -> list[CheckMessage]:
    """No other cookie has the refresh cookie's name, with or without its prefix (E031)."""
    name: object = config.refresh_cookie_name
    if not isinstance(name, str):
        return []
    django = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME")
    taken = {_bare(ACCESS_NAME), *(_bare(getattr(settings, setting)) for setting in django)}
    return [TAKEN_COOKIE_NAME.found()] if _bare(name) in taken else []


def _bare(name: str) -> str:
    # A prefix is left out on plain http under DEBUG, so it does not tell two names apart.
    prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), "")
    return name.removeprefix(prefix)


def check_cookie_prefix(**_: Any) -> list[CheckMessage]:
    """A prefix that binds a cookie to its host comes with the path / (E032)."""
    name: object = config.refresh_cookie_name
    path: object = config.refresh_cookie_path
    # Browsers read prefixes in any case (RFC 6265bis section 4.1.3).
    if not isinstance(name, str) or not name.lower().startswith("__host-"):
        return []
    if path is None:
        try:
            path = refresh_cookie_path()
        except NoReverseMatch:
            return []
    return [] if path == "/" else [PREFIX_NEEDS_ROOT.found()]


def check_cookie_path(**_: Any) -> list[CheckMessage]:
    """The refresh cookie's path is one (E033)."""
    path: object = config.refresh_cookie_path
    return [] if path is None or _is_path(path) else [BAD_COOKIE_PATH.found()]


def check_cookie_path_leads_to_endpoints(**_: Any) -> list[CheckMessage]:
    """Browsers send the refresh cookie to the endpoints, wherever they are mounted (E034)."""
    path: object = config.refresh_cookie_path
    if not isinstance(path, str) or not _is_path(path) or path == "/":
        return []
    missed = [mount for mount in public_paths() if not _leads_to(path, mount)]
    return [PATH_MISSES_ENDPOINTS.found(mount=mount) for mount in missed]


def _leads_to(path: str, mount: str) -> bool:
    whole = path.removesuffix("/") + "/"
    # The second: a proxy strips a prefix, and browsers see more of the path than Django does.
    return mount.startswith(whole) or whole.endswith(mount)


def check_cookie_samesite(**_: Any) -> list[CheckMessage]:
    """SameSite has a value that browsers know and keep (E035, E036)."""
    samesite: object = config.refresh_cookie_samesite
    if not isinstance(samesite, str) or samesite not in SAMESITE:
        return [BAD_SAMESITE.found()]
    if samesite == "None" and config.refresh_cookie_secure is False:
        return [SAMESITE_NEEDS_SECURE.found()]
    return []


def check_cookie_secure(**_: Any) -> list[CheckMessage]:
    """Secure is decided, one way or the other (E037)."""
    secure: object = config.refresh_cookie_secure
    return [] if secure is None or isinstance(secure, bool) else [BAD_SECURE.found()]


def check_access_cookie(**_: Any) -> list[CheckMessage]:
    """The access cookie is on or off (E038)."""
    wanted: object = config.access_cookie
    return [] if isinstance(wanted, bool) else [BAD_ACCESS_COOKIE.found()]


def check_cookie_name_is_protected(**_: Any) -> list[CheckMessage]:
    """A name of the project's own has a prefix that browsers protect (E040)."""
    name: object = config.refresh_cookie_name
    if not isinstance(name, str) or name.startswith(PREFIXES):
        return []
    return [UNPROTECTED_NAME.found()]


def check_cookie_samesite_is_strict(**_: Any) -> list[CheckMessage]:
    """Other sites do not make browsers send the refresh cookie (E041)."""
    samesite: object = config.refresh_cookie_samesite
    is_cross_site = isinstance(samesite, str) and samesite == "None"
    return [CROSS_SITE_COOKIE.found()] if is_cross_site else []


def check_cookie_is_secure(**_: Any) -> list[CheckMessage]:
    """The refresh cookie travels by https only (E042)."""
    return [INSECURE_COOKIE.found()] if config.refresh_cookie_secure is False else []
