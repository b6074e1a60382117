"""The only module that names, reads, sets and clears cookies.

Refresh cookie
    ``__Secure-tokenauth-refresh``: HttpOnly, Secure, SameSite=Strict, no Domain, and the path of
    the endpoints, so that it is sent nowhere else. With the path ``/`` it is named
    ``__Host-Http-tokenauth-refresh``: no sibling host can then plant one.
Access cookie
    ``__Host-Http-tokenauth-access``: HttpOnly, Secure, SameSite=Lax, path ``/``. Optional.
Step cookie
    ``__Secure-tokenauth-step``: as the refresh cookie. Five minutes, between two steps of a login.
Device cookie
    ``__Secure-tokenauth-device``: as the refresh cookie, for a year. It authenticates nobody:
    see :mod:`tokenauth.guessing.devices`.

Plain http under ``DEBUG`` gets neither Secure nor a prefix.
"""

from __future__ import annotations

from http.cookies import Morsel
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.urls import reverse

from tokenauth.conf import config
from tokenauth.exceptions import AmbiguousCookie

if TYPE_CHECKING:
    from tokenauth.issuing import Tokens

__all__ = [
    "access_cookie_name",
    "clear_cookies",
    "clear_planted_cookies",
    "clear_step_cookie",
    "presented_tokens",
    "read_access_cookie",
    "read_device_cookies",
    "read_refresh_cookie",
    "read_step_cookies",
    "refresh_cookie_name",
    "refresh_cookie_path",
    "set_cookies",
    "set_device_cookie",
    "set_step_cookie",
    "step_cookie_name",
]

REFRESH_NAME = "tokenauth-refresh"
ACCESS_NAME = "tokenauth-access"
STEP_NAME = "tokenauth-step"
DEVICE_NAME = "tokenauth-device"
DEVICE_AGE = 365 * 24 * 3600
HOST_PREFIX = "__Host-Http-"
SECURE_PREFIX = "__Secure-"
PREFIXES = (HOST_PREFIX, "__Host-", "__Http-", SECURE_PREFIX)
EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"
MAX_PARENT_DOMAINS = 5


def refresh_cookie_path() -> str:
    """Return the path of the refresh cookie: the setting, or where the endpoints are mounted."""
    if config.refresh_cookie_path is not None:
        return config.refresh_cookie_path
    return reverse("tokenauth:refresh").removesuffix("/").rpartition("/")[0] + "/"


def _is_secure(request: HttpRequest) -> bool:
    if config.refresh_cookie_secure is not None:
        return config.refresh_cookie_secure
    # Safari drops Secure cookies on http://localhost, where everybody develops.
    return not settings.DEBUG or request.is_secure()


def _without_prefix(name: str) -> str:
    prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), "")
    return name.removeprefix(prefix)


def refresh_cookie_name(request: HttpRequest) -> str:
    """Return the name of the refresh cookie for a request."""
    name = config.refresh_cookie_name
    name = _prefixed(REFRESH_NAME) if name is None else name
    return name if _is_secure(request) else _without_prefix(name)


def _prefixed(name: str) -> str:
    return (HOST_PREFIX if refresh_cookie_path() == "/" else SECURE_PREFIX) + name


def _device_cookie_name(request: HttpRequest) -> str:
    return _prefixed(DEVICE_NAME) if _is_secure(request) else DEVICE_NAME


def access_cookie_name(request: HttpRequest) -> str:
    """Return the name of the access cookie for a request."""
    return (HOST_PREFIX if _is_secure(request) else "") + ACCESS_NAME


def step_cookie_name(request: HttpRequest) -> str:
    """Return the name of the cookie that binds a login's second step to its browser."""
    return _prefixed(STEP_NAME) if _is_secure(request) else STEP_NAME


def _values(request: HttpRequest, name: str) -> list[str]:
    # From the header itself: request.COOKIES keeps the last of two and tells nobody.
    pairs = (pair.partition("=") for pair in request.META.get("HTTP_COOKIE", "").split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name]


def _read(request: HttpRequest, name: str) -> str | None:
    values = _values(request, name)
    if len(values) > 1:
        raise AmbiguousCookie(name)
    # A deleted cookie is "" in quotes, and test clients go on sending it.
    return values[0] if values and values[0] not in {"", '""'} else None


def read_refresh_cookie(request: HttpRequest) -> str | None:
    """Return the refresh token in a request's cookie, or ``None`` without one.

    Raises:
        AmbiguousCookie: there are two. One may have been planted by a sibling host.
    """
    if "HTTP_COOKIE" not in request.META:
        return None
    return _read(request, refresh_cookie_name(request))


def read_access_cookie(request: HttpRequest) -> str | None:
    """Return the access token in a request's cookie; ``None`` without one, or with two."""
    # Every request of the project comes by here, so a look at the header first.
    if ACCESS_NAME not in request.META.get("HTTP_COOKIE", "") or not config.access_cookie:
        return None
    try:
        return _read(request, access_cookie_name(request))
    except AmbiguousCookie:
        return None


def read_step_cookies(request: HttpRequest) -> list[str]:
    """Return every step cookie of a request: one that is planted beside ours takes nothing away."""
    return _values(request, step_cookie_name(request))


def read_device_cookies(request: HttpRequest) -> list[str]:
    """Return the values of the device cookie: more than one if a sibling host planted some."""
    if DEVICE_NAME not in request.META.get("HTTP_COOKIE", ""):
        return []
    return _values(request, _device_cookie_name(request))[:3]


def presented_tokens(request: HttpRequest) -> tuple[list[str], list[str]]:
    """Return every refresh token and every access token in a request's cookies.

    To end their sessions, never to authenticate: if one of two was planted, ending its session
    too harms only who planted it.
    """
    access = _values(request, access_cookie_name(request)) if config.access_cookie else []
    return _values(request, refresh_cookie_name(request)), access


def _refresh_attributes(request: HttpRequest) -> dict[str, Any]:
    return {
        "path": refresh_cookie_path(),
        "secure": _is_secure(request),
        "httponly": True,
        "samesite": config.refresh_cookie_samesite,
    }


def _access_attributes(request: HttpRequest) -> dict[str, Any]:
    return {"path": "/", "secure": _is_secure(request), "httponly": True, "samesite": "Lax"}


def set_cookies(request: HttpRequest, response: HttpResponseBase, tokens: Tokens) -> None:
    """Set the cookies of a cookie session's tokens; a body session gets none.

    The refresh cookie is left alone if the refresh token did not change. Both live as long as
    the session does, or until the browser closes if it is not persistent.
    """
    if tokens.session.transport != "cookie":
        return
    max_age = tokens.refresh_expires_in if tokens.session.persistent else None
    if tokens.refresh is not None:
        name = refresh_cookie_name(request)
        attributes = _refresh_attributes(request)
        response.set_cookie(name, tokens.refresh, max_age=max_age, **attributes)
    if config.access_cookie:
        name = access_cookie_name(request)
        response.set_cookie(name, tokens.access, max_age=max_age, **_access_attributes(request))


def clear_cookies(request: HttpRequest, response: HttpResponseBase) -> None:
    """Delete the cookies, with the attributes they were set with.

    Browsers that enforce ``__Host-Http-`` ignore ``delete_cookie()``, which leaves HttpOnly out.
    """
    gone: dict[str, Any] = {"max_age": 0, "expires": EPOCH}
    response.set_cookie(refresh_cookie_name(request), "", **gone, **_refresh_attributes(request))
    if config.access_cookie:
        response.set_cookie(access_cookie_name(request), "", **gone, **_access_attributes(request))


def set_step_cookie(
    request: HttpRequest, response: HttpResponseBase, nonce: str, seconds: int
) -> None:
    """Have the browser hold what the challenge of its login is bound to, for so long."""
    name, attributes = step_cookie_name(request), _refresh_attributes(request)
    response.set_cookie(name, nonce, max_age=seconds, **attributes)


def set_device_cookie(request: HttpRequest, response: HttpResponseBase, value: str) -> None:
    """Have the browser remember which accounts have logged in on it. Logout leaves it."""
    name, attributes = _device_cookie_name(request), _refresh_attributes(request)
    response.set_cookie(name, value, max_age=DEVICE_AGE, **attributes)


def clear_step_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Delete the step cookie: its login is complete."""
    gone: dict[str, Any] = {"max_age": 0, "expires": EPOCH}
    response.set_cookie(step_cookie_name(request), "", **gone, **_refresh_attributes(request))


def clear_planted_cookies(request: HttpRequest, response: HttpResponseBase) -> None:
    """Delete the refresh cookie of every parent domain, and leave the one of this host.

    Only a sibling host can have set those: ours has no Domain.
    """
    name, attributes = refresh_cookie_name(request), _refresh_attributes(request)
    attributes |= {"samesite": attributes["samesite"] or "", "max-age": 0, "expires": EPOCH}
    for domain in _parent_domains(request):
        for path in _paths_above(request.path):
            morsel: Morsel[str] = Morsel()
            morsel.set(name, "", '""')
            for attribute, value in {**attributes, "domain": domain, "path": path}.items():
                morsel[attribute] = value
            # A response keeps its cookies by name; these share one, so each gets a key of its own.
            response.cookies[f"{name} {domain} {path}"] = morsel


def _parent_domains(request: HttpRequest) -> list[str]:
    try:
        host, _port = split_domain_port(request.get_host())
    except DisallowedHost:
        return []
    if host.startswith("[") or host.replace(".", "").isdigit():
        return []
    labels = host.split(".")
    parents = [".".join(labels[start:]) for start in range(1, len(labels) - 1)]
    return parents[-MAX_PARENT_DOMAINS:]


def _paths_above(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part][:4]
    stems = ["/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return ["/", *(variant for stem in stems for variant in (stem, f"{stem}/"))]
