"""The doors to the outside world: one for time, one for randomness.

Everything else in the package calls ``system.now()``, ``system.monotonic()`` and
``system.random_bytes()`` through this module, so a test that replaces one function here controls
every clock and every secret.
"""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime

__all__ = ["first_id", "monotonic", "new_id", "now", "random_bytes"]


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds of a clock that nobody sets: for ages within one process, never for dates."""
    return time.monotonic()


def random_bytes(length: int) -> bytes:
    """Return ``length`` bytes from the operating system's secure generator."""
    return secrets.token_bytes(length)


def new_id() -> uuid.UUID:
    """Return a new time-ordered id: a version 7 UUID (RFC 9562 section 5.7).

    The first 48 bits are the time in milliseconds, so new rows land at the end of the primary
    key's index. Migrations name this function by its path: it stays here.
    """
    return _id_at(now(), random_bytes(10))


def first_id(at: datetime) -> uuid.UUID:
    """Return the smallest id that :func:`new_id` gives at a time: a bound, never the id of a row.

    Args:
        at: the time; before 1970 it is 1970.
    """
    return _id_at(at, bytes(10))


def _id_at(at: datetime, rest: bytes) -> uuid.UUID:
    milliseconds = max(0, int(at.timestamp() * 1000))
    value = bytearray(milliseconds.to_bytes(6, "big") + rest)
    value[6] = 0x70 | (value[6] & 0x0F)
    value[8] = 0x80 | (value[8] & 0x3F)
    return uuid.UUID(bytes=bytes(value))
