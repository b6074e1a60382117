"""What the arguments of the commands are read by; each names in its error what would be right."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tokenauth.audit import clean, holds_token

__all__ = ["note", "seconds", "whole_number"]


def seconds(text: str) -> float:
    """Read a span of time in seconds.

    Raises:
        argparse.ArgumentTypeError: it is negative, or has no end.
        ValueError: it is no number.
    """
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("is not a number of seconds")
    return number


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number between ``least`` and ``most``, both included."""

    def number(text: str) -> int:
        found = int(text)
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"is not between {least} and {most:,}")
        return found

    return number


def note(text: str) -> str:
    """Read a note of staff, as one line of at most 200 characters.

    Raises:
        argparse.ArgumentTypeError: it holds a token, which must not be stored.
    """
    if holds_token(text):
        raise argparse.ArgumentTypeError("holds a token: name a session by its id")
    return clean(text, 200)
