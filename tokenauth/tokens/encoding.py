"""Base64url with exactly one accepted spelling for each value."""

from __future__ import annotations

import base64
import binascii

__all__ = ["decode_base64url", "encode_base64url"]


def encode_base64url(value: bytes) -> str:
    """Return ``value`` as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Return the bytes that ``text`` encodes.

    Raises:
        ValueError: ``text`` is not the spelling that :func:`encode_base64url` gives: padding,
            white space, another alphabet, or unused bits that are not zero. A second spelling
            of one token would defeat whoever compares tokens as strings (CVE-2026-102269).
    """
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    if encode_base64url(value) != text:
        raise ValueError("not canonical base64url")
    return value
