"""The refresh token: opaque to clients, a pure function of the session row and a key.

::

    base64url( version (1) | kid (1) | session id (16) | generation (4) | HMAC (26) )

HMAC is HMAC-SHA-256(K[kid], seed | version | kid | session id | generation), truncated to 208
bits: above the 160 bits that RFC 6749 section 10.10 asks for. The seed is in the database and K
is not, so neither a dump nor the application's keys alone can make a token. 48 bytes are 64
characters with no bit to spare.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field

from tokenauth.tokens.encoding import decode_base64url, encode_base64url
from tokenauth.tokens.keys import RefreshKeys

__all__ = ["TOKEN_LENGTH", "PresentedToken", "make_refresh_token", "parse_refresh_token"]

VERSION = 1
HEADER_BYTES = 22
MAC_BYTES = 26
TOKEN_LENGTH = (HEADER_BYTES + MAC_BYTES) * 4 // 3


def make_refresh_token(
    keys: RefreshKeys, *, seed: bytes, session_id: uuid.UUID, generation: int
) -> str:
    """Return the refresh token of one generation of a session, under the newest key.

    Args:
        keys: the refresh keys; the first makes the token.
        seed: the session's seed.
        session_id: the session's id.
        generation: how often the session has been rotated.
    """
    key = keys.current
    header = bytes((VERSION, key.kid)) + session_id.bytes + generation.to_bytes(4, "big")
    return encode_base64url(header + _mac(key.secret, seed, header))


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A refresh token as somebody sent it: well formed, and not yet believed.

    Attributes:
        session_id: the session it names.
        generation: the generation it claims to be.
    """

    session_id: uuid.UUID
    generation: int
    _kid: int = field(repr=False)
    _header: bytes = field(repr=False)
    _mac: bytes = field(repr=False)

    def is_authentic(self, keys: RefreshKeys, seed: bytes) -> bool:
        """Return whether one of ``keys`` made this token for a session with this ``seed``.

        Every key with the token's ``kid`` is tried, as two may share that one byte; the
        comparison takes the same time wherever the values differ.
        """
        return any(
            hmac.compare_digest(self._mac, _mac(key.secret, seed, self._header))
            for key in keys.with_kid(self._kid)
        )


def parse_refresh_token(raw: str, keys: RefreshKeys) -> PresentedToken | None:
    """Take a refresh token apart.

    Args:
        raw: the token as it was sent; anything at all.
        keys: the refresh keys, of which one must have the token's ``kid``.

    Returns:
        The parts, or ``None`` if this cannot be a token of ours: no query is worth making.
    """
    if len(raw) != TOKEN_LENGTH or not raw.isascii():
        return None
    try:
        value = decode_base64url(raw)
    except ValueError:
        return None
    if value[0] != VERSION or not keys.with_kid(value[1]):
        return None
    return PresentedToken(
        session_id=uuid.UUID(bytes=value[2:18]),
        generation=int.from_bytes(value[18:22], "big"),
        _kid=value[1],
        _header=value[:HEADER_BYTES],
        _mac=value[HEADER_BYTES:],
    )


def _mac(secret: bytes, seed: bytes, header: bytes) -> bytes:
    return hmac.digest(secret, seed + header, hashlib.sha256)[:MAC_BYTES]
