"""A clock that runs faster than the world's, the same in every process.

``GUESSING_SPEED``
    How many of its seconds pass in one.
``GUESSING_EPOCH``
    When it showed the world's time, in seconds since 1970.
"""

import os
import time
from datetime import UTC, datetime

__all__ = ["EPOCH", "SPEED", "now", "seconds"]

SPEED = float(os.environ.get("GUESSING_SPEED", "1"))
EPOCH = float(os.environ.get("GUESSING_EPOCH", "0"))


def seconds() -> float:
    """Return how many of its seconds have passed since it began."""
    return (time.time() - EPOCH) * SPEED


def now() -> datetime:
    """Return its time."""
    return datetime.fromtimestamp(EPOCH + seconds(), UTC)
