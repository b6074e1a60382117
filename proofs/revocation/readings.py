"""How long each reading of the revocation list takes in this process."""

from __future__ import annotations

import time
from typing import Any

from tokenauth.revocation_list import RevocationList

__all__ = ["Readings", "readings"]


class Readings:
    """The durations, the latest last, in milliseconds."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []

    def install(self) -> None:
        """Measure every reading from now on, from its start until the list is in use."""
        read: Any = RevocationList._read

        def measured(revocation_list: RevocationList) -> None:
            started = time.perf_counter()
            read(revocation_list)
            self.milliseconds.append(round(1000 * (time.perf_counter() - started), 3))

        setattr(RevocationList, "_read", measured)  # noqa: B010 - mypy would rather not


readings = Readings()
