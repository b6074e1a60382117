"""Checks of ``TOKENAUTH_TRUSTED_PROXIES``."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from tokenauth.checks.problem import Problem

__all__ = ["check_proxies", "check_proxies_are_named"]

NOT_A_PROXY_LIST = Problem(
    "E060",
    "TOKENAUTH_TRUSTED_PROXIES is not a list.",
    'Set it to a list of networks, such as ["10.0.0.0/8"], or remove it.',
)
NOT_A_NETWORK = Problem(
    "E061",
    "TOKENAUTH_TRUSTED_PROXIES has an entry that is not a network, at index {index}.",
    'Write addresses or networks as text, such as "10.0.0.7" or "10.0.0.0/8": no names, and no '
    "bits set behind the network's part.",
)
EVERYBODY_TRUSTED = Problem(
    "W060",
    "TOKENAUTH_TRUSTED_PROXIES trusts every address.",
    "Name the networks of the proxies alone. As it is, callers choose the address that is stored.",
)


def _networks() -> list[IPv4Network | IPv6Network | None] | None:
    """Return the networks, ``None`` for each that is not one, or ``None`` without a list."""
    entries: object = getattr(settings, "TOKENAUTH_TRUSTED_PROXIES", ())
    return [_network(entry) for entry in entries] if isinstance(entries, list | tuple) else None


def _network(entry: object) -> IPv4Network | IPv6Network | None:
    # A number or bytes would be read as a packed address, which nobody means.
    if not isinstance(entry, str | IPv4Network | IPv6Network):
        return None
    try:
        return ip_network(entry)
    except ValueError:
        return None


def check_proxies(**_: Any) -> list[CheckMessage]:
    """The trusted proxies are a list of networks (E060, E061)."""
    networks = _networks()
    if networks is None:
        return [NOT_A_PROXY_LIST.found()]
    return [
        NOT_A_NETWORK.found(index=index)
        for index, network in enumerate(networks)
        if network is None
    ]


def check_proxies_are_named(**_: Any) -> list[CheckMessage]:
    """Not every address is a proxy (W060)."""
    everything = [network for network in _networks() or () if network and not network.prefixlen]
    return [EVERYBODY_TRUSTED.found()] if everything else []
