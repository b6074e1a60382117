"""Text of others that is kept, logged or shown: made one printable line, searched for secrets."""

from __future__ import annotations

import re

__all__ = ["clean", "holds_token"]

# A JWT, or a run as long as a refresh token, a seed in hex or a hash: no name, id or address is.
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}|[\w-]{60,}", re.ASCII)


def clean(text: str, length: int) -> str:
    """Return ``text`` as one printable line of at most ``length`` characters.

    Control and format characters (line breaks, bidirectional overrides), unassigned code points
    and lone surrogates become ``?``.
    """
    kept = text[:length]
    if kept.isprintable():
        return kept
    return "".join(char if char.isprintable() else "?" for char in kept)


def holds_token(text: str) -> bool:
    """Return whether somewhere in ``text`` is what can only be a token or another secret."""
    return _TOKEN.search(text) is not None
