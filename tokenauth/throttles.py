"""Limits on the endpoints, beside the project's own throttles and after them.

Whoever can be named pays alone: a session, or a user's client, at one address. What names nobody
is counted by its address after it was refused, so that garbage from a shared address turns into
429 for the garbage alone. The address is part of every name, because whoever holds a copy of a
token must not be able to use up its owner's requests from elsewhere.

Windows are fixed, and one atomic increase counts a request. A window begins at the same moment
for all processes, so a host whose clock is wrong counts in a window of its own and no more.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Literal

from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from tokenauth import system
from tokenauth.addresses import client_ip
from tokenauth.conf import config
from tokenauth.cookies import read_access_cookie
from tokenauth.counters import counters
from tokenauth.exceptions import AccessInvalid
from tokenauth.guessing.names import digest, network_of
from tokenauth.issuing import read_token
from tokenauth.shortcuts import bearer_token
from tokenauth.tokens.access import AccessToken
from tokenauth.tokens.refresh import parse_refresh_token

__all__ = [
    "count_caller",
    "count_logout",
    "count_refresh",
    "count_refused_access",
    "count_unauthentic",
    "parse_rate",
]

logger = logging.getLogger("tokenauth.throttling")

_Limit = Literal["refresh", "session", "refused"]

# Not begun, which would read the project's own rates: only its method for rates is used.
_PARSER = SimpleRateThrottle.__new__(SimpleRateThrottle)


@lru_cache(maxsize=32)
def parse_rate(rate: str) -> tuple[int, int]:
    """Return the number of requests and the seconds of a rate in REST framework's notation.

    Args:
        rate: such as ``"120/min"``.

    Raises:
        ValueError: the number is none.
    """
    requests, seconds = _PARSER.parse_rate(rate)
    return int(requests or 0), int(seconds or 0)


def count_caller(request: Request) -> None:
    """Count a request that an access token authenticated: by user, client and address.

    Raises:
        Throttled: it is one too many.
    """
    client = request.auth["client_id"] if isinstance(request.auth, AccessToken) else ""
    _count("session", str(request.user.pk), client, network_of(client_ip(request._request)))


def count_refresh(request: HttpRequest, refresh_token: str) -> None:
    """Count a refresh: by the session that the token names, of any generation, and the address.

    A forger who knows the id of a session cannot use up its owner's refreshes from elsewhere, and
    what names no session costs no query: :func:`count_unauthentic` counts it when it is refused.

    Raises:
        Throttled: it is one too many. Nothing has changed, and the token is as good as before.
    """
    if config.throttle_rates["refresh"] is None:
        return
    presented = parse_refresh_token(refresh_token, config.refresh_keys)
    if presented is not None:
        _count("refresh", str(presented.session_id), network_of(client_ip(request)))


def count_logout(request: HttpRequest, refresh_token: str | None) -> None:
    """Count a logout by the session that it names and the address, or as garbage if it names none.

    At the rate of the refreshes and apart from them: a page that refreshes in a loop must not keep
    its user from logging out.

    Args:
        request: the request, with whatever access token it has.
        refresh_token: of the cookie or of the body.

    Raises:
        Throttled: it is one too many. Nothing has changed.
    """
    access_token = bearer_token(request) or read_access_cookie(request)
    if refresh_token is None and access_token is None:
        return
    presented = refresh_token and parse_refresh_token(refresh_token, config.refresh_keys)
    named = _authentic(access_token) if access_token and not presented else None
    if presented:
        _count("refresh", "logout", str(presented.session_id), network_of(client_ip(request)))
    elif named:
        _count("refresh", "logout", named["sid"], network_of(client_ip(request)))
    else:
        count_unauthentic(request)


def count_refused_access(request: HttpRequest) -> None:
    """Count a request whose access token was refused.

    A token that is authentic, and expired or of a session that has ended, names who pays. Its
    owner must be told to refresh, whatever somebody else sends from the same address.

    Raises:
        Throttled: it is one too many.
    """
    token = _authentic(bearer_token(request) or "")
    if token is None:
        count_unauthentic(request)
    else:
        _count("session", token["sub"], token["client_id"], network_of(client_ip(request)))


def count_unauthentic(request: HttpRequest) -> None:
    """Count a request that was refused and names nobody: by address alone.

    Raises:
        Throttled: it is one too many: to be answered instead of the refusal.
    """
    _count("refused", network_of(client_ip(request)))


def _authentic(access_token: str) -> AccessToken | None:
    try:
        return read_token(access_token, system.now(), accept_expired=True)
    except AccessInvalid:
        return None


def _count(limit: _Limit, *name: str) -> None:
    rate = config.throttle_rates[limit]
    if rate is None:
        return
    requests, seconds = parse_rate(rate)
    window, passed = divmod(int(system.now().timestamp()), seconds)
    # A digest, so that the cache tells nobody the address, user or session that it is about.
    key = f"tokenauth.rate.{digest(limit, str(seconds), str(window), *name)}"
    counted = counters.increase(key, seconds)
    if counted == requests + 1:  # once in a window, whatever a client goes on to send
        logger.warning("a client has reached the limit %s", limit)
    if counted > requests:
        raise Throttled(wait=seconds - passed)
