"""Where a request came from, by ``TOKENAUTH_TRUSTED_PROXIES``."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest

from tokenauth.audit import Origin
from tokenauth.conf import config

__all__ = ["client_ip", "origin_of"]

_WITH_PORT = re.compile(r"\[(?P<v6>[^]]*)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}", re.ASCII)
_LONGEST = 64
"""Longer than any address with brackets and a port: what is remembered stays small."""


def origin_of(request: HttpRequest) -> Origin:
    """Return the client's address and what it calls itself."""
    return Origin(ip=client_ip(request), user_agent=request.META.get("HTTP_USER_AGENT", ""))


def client_ip(request: HttpRequest) -> str | None:
    """Return the client's address, or ``None`` if it cannot be read.

    Without trusted proxies it is ``REMOTE_ADDR``. With them, ``X-Forwarded-For`` is read from the
    right, the end that our own proxies write, up to the first address that is not theirs: what
    is further left is the client's word and may name anybody.
    """
    sender = request.META.get("REMOTE_ADDR", "")
    address = _parse(sender)
    proxies = config.trusted_proxies
    header = request.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = header.split(",") if proxies and header else []
    if hops and not sender:
        # A Unix socket has no address, and only a proxy on this machine writes to it.
        address = _parse(hops.pop())
    while address is not None and hops and any(address in network for network in proxies):
        address = _parse(hops.pop())
    return None if address is None else str(address)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    return _parse_known(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=1024)
def _parse_known(text: str) -> IPv4Address | IPv6Address | None:
    if found := _WITH_PORT.fullmatch(text):  # as some gateways write it
        text = found["v6"] or found["v4"] or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address
