"""What the servers of the proofs log: errors, with their traceback, to standard error."""

from __future__ import annotations

from typing import Any

__all__ = ["errors_to_stderr"]


def errors_to_stderr(*, of_ours: str = "ERROR") -> dict[str, Any]:
    """Return ``LOGGING`` for a server whose refusals are what a proof is about.

    Args:
        of_ours: the level from which this package's own records are shown.
    """
    levels = {"django.request": "ERROR", "tokenauth": of_ours}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {
            name: {"handlers": ["console"], "level": level, "propagate": False}
            for name, level in levels.items()
        },
    }
