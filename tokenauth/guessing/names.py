"""What stands for a user name or an address: a digest, so that nobody reads either in the cache."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from ipaddress import IPv6Address, ip_address, ip_network

from tokenauth.conf import config

__all__ = ["account_of", "digest", "digests", "network_of"]

_DIGEST_BYTES = 16
_V6_PREFIX = 64
"""What one household has of IPv6: whoever has one address of it has them all."""


def digest(*parts: str) -> str:
    """Return the name of something, 32 characters, by the newest key."""
    return _digest(config.guessing_keys[0], parts)


def digests(*parts: str) -> list[str]:
    """Return the same by every key, the newest first."""
    return [_digest(key, parts) for key in config.guessing_keys]


def _digest(key: bytes, parts: tuple[str, ...]) -> str:
    # Each with its length: no user name may be written so that it reads as name and address.
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in raw)
    return hmac.digest(key, message, hashlib.sha256)[:_DIGEST_BYTES].hex()


def account_of(username: str) -> str:
    """Return what all spellings of a user name have in common, as far as can be told unasked.

    ``TOKENAUTH_ACCOUNT_KEY`` comes first. A database that ignores case or width would otherwise
    give a guesser as many counters as a name has spellings.
    """
    known = config.account_key
    name = username if known is None else str(known(username))
    return unicodedata.normalize("NFKC", name).casefold().strip()


def network_of(ip: str | None) -> str:
    """Return what an address is counted as: itself, or its /64; all unknown ones together."""
    if ip is None:
        return "unknown"
    address = ip_address(ip)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _V6_PREFIX), strict=False))
    return str(address)
