"""What this process has recorded of first uses, for checks that read no row.

The session check sees in the row whether a generation is known to be in use. Without the row,
each process records a generation once and remembers that it has.
"""

from __future__ import annotations

import os
import uuid
from threading import Lock

from tokenauth.tokens.access import AccessToken

__all__ = ["MAX_REMEMBERED", "FirstUses", "first_uses"]

MAX_REMEMBERED = 20_000
"""So many sessions are remembered; about 4 MB. The oldest is forgotten first."""


class FirstUses:
    """Which generation of a session was last recorded; bounded."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; after a fork, with a lock that no other thread holds."""
        self._generations: dict[uuid.UUID, int] = {}
        self._lock = Lock()

    def __contains__(self, token: AccessToken) -> bool:
        return self._generations.get(token.session_id, -1) >= token.generation

    def __len__(self) -> int:
        return len(self._generations)

    def add(self, token: AccessToken) -> None:
        """Remember a use that was recorded; forgetting one costs one statement, no more."""
        with self._lock:
            if token in self:
                return
            self._generations.pop(token.session_id, None)
            self._generations[token.session_id] = token.generation
            if len(self._generations) > MAX_REMEMBERED:
                del self._generations[next(iter(self._generations))]


first_uses = FirstUses()
"""This process's memory."""

os.register_at_fork(after_in_child=first_uses.reset)
