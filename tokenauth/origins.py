"""Where a request came from, as far as the project wants it kept.

Whatever this package stores or logs about the place of a request goes through :class:`Origin`, so
``TOKENAUTH_ADDRESSES`` and ``TOKENAUTH_USER_AGENTS`` are applied here and nowhere else. Limits on
guesses and requests count by the address itself, of which they keep a digest for minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tokenauth.conf import config
from tokenauth.devices import Device, describe
from tokenauth.models import MAX_USER_AGENT
from tokenauth.texts import clean

__all__ = ["NOWHERE", "Origin", "cut_address"]

# Providers give a household a /56 as a rule (RIPE-690), and a phone a /64: cut there, an address
# would still name it. A /48 holds 256 such households, as a /24 holds 256 addresses.
_PREFIXES = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from.

    Attributes:
        ip: the client's address as it is to be kept, or ``None`` if it is not known or not to be.
        user_agent: what the client calls itself, likewise: its word, not proof.
    """

    ip: str | None = None
    user_agent: str = ""
    _said: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        kept = config.user_agents
        said = clean(self.user_agent, MAX_USER_AGENT) if kept in {"full", "device"} else ""
        object.__setattr__(self, "_said", said)
        object.__setattr__(self, "user_agent", said if kept == "full" else "")
        object.__setattr__(self, "ip", _kept_address(self.ip))

    @property
    def is_agent_kept(self) -> bool:
        """Whether all that the client calls itself is kept: also where that is nothing."""
        return self.user_agent == self._said

    @property
    def device(self) -> Device | None:
        """What the client runs on, as far as its user agent says; ``None`` if that is not kept."""
        return None if config.user_agents == "off" else describe(self._said)


def cut_address(ip: str) -> str | None:
    """Return the first address of the network that an address is kept as when it is truncated.

    Args:
        ip: an address; for anything else the answer is ``None``.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    return str(ip_network((ip, _PREFIXES[address.version]), strict=False).network_address)


def _kept_address(ip: str | None) -> str | None:
    kept = config.addresses
    if ip is None or kept == "full":
        return ip
    # Off, or a wrong word: then rather nothing.
    return cut_address(ip) if kept == "truncated" else None


NOWHERE = Origin()
