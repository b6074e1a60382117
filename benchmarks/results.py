"""What is to be measured, and what was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FULL", "QUICK", "Plan", "Results", "Slice"]


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        starts: how often all processes are started anew: where in memory a process happens to
            lie is worth some percent, and each start draws again.
        rounds: rounds per start, by case.
        slices: requests per slice, by case.
        warm_up: requests of each client before anything is measured.
        counted: requests over which statements are counted.
    """

    starts: int
    rounds: Mapping[str, int]
    slices: Mapping[str, int]
    warm_up: int = 120
    counted: int = 200


_SLICES = {"api": 40, "username": 40, "refresh": 20, "login": 15}
FULL = Plan(3, {"api": 60, "username": 30, "refresh": 50, "login": 20}, _SLICES)
QUICK = Plan(1, {"api": 12, "username": 6, "refresh": 10, "login": 5}, _SLICES)


@dataclass(frozen=True)
class Slice:
    """What a request took on average, in seconds: on the wall, and of the process."""

    wall: float
    cpu: float


@dataclass
class Results:
    """Everything that was measured.

    Attributes:
        slices: by case and candidate, one per round, so that equal positions belong together.
        statements: by case and candidate, statements per request by kind.
    """

    slices: dict[str, dict[str, list[Slice]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    statements: dict[str, dict[str, dict[str, float]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
