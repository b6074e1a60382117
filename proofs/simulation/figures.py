"""From counts to figures: rates with their bounds, distributions, and the file of results."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from math import ceil, sqrt
from pathlib import Path
from typing import Any

from proofs.simulation.run import Cell, Tally, Theft

__all__ = ["Results", "bounds", "quantile", "summary"]

SOURCES = (
    *("engine", "world", "requests", "rules", "server"),
    *("browser", "tab", "days", "thief", "run"),
)
HERE = Path(__file__).parent
PROTOCOL = HERE.parents[1] / "tokenauth" / "protocol.py"

Z = 1.96
"""Of the normal distribution, for 95 %."""


def bounds(count: int, of: int) -> tuple[float, float]:
    """Return a 95 % interval of a share.

    Args:
        count: how often it happened; if never, the rule of three gives the upper bound.
        of: in how many independent trials.

    Returns:
        Lower and upper bound, by Wilson's score interval.
    """
    if count == 0:
        return 0.0, min(1.0, 3 / of)
    share, z = count / of, Z * Z / of
    middle = (share + z / 2) / (1 + z)
    half = Z * sqrt(share * (1 - share) / of + z / (4 * of)) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that so large a share does not exceed; ``values`` are sorted."""
    return values[max(0, ceil(share * len(values)) - 1)]


def _distribution(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(quantile(ordered, share), 1) for name, share in shares.items()}


def _caught(thefts: list[Theft]) -> dict[str, Any]:
    turns = Counter(min(theft.turns, 20) for theft in thefts)
    return {
        "turns": {str(number): turns[number] for number in sorted(turns)},
        **{
            name: _distribution([getattr(theft, name) for theft in thefts])
            for name in ("by_victim", "by_thief", "shared", "seconds")
        },
        "turns_distribution": _distribution([theft.turns for theft in thefts]),
        "within_three_each": sum(max(t.by_victim, t.by_thief) <= 3 for t in thefts),
        "shared_minutes": [
            sum(theft.shared <= 60 * minutes for theft in thefts) for minutes in MINUTES
        ],
    }


MINUTES = (0, 1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 1440)
"""Where the distribution of the time that both sides used a token is read."""


def _what(cell: Cell) -> str:
    return repr(replace(cell, days=0))


def summary(cell: Cell, tally: Tally) -> dict[str, Any]:
    """Return what the file of results keeps of a cell, as plain data."""
    found: dict[str, Any] = {
        "cell": _what(cell),
        "days": tally.days,
        "refreshes": tally.refreshes,
        "rotations": tally.rotations,
        "repeats": tally.repeats,
        "late_answers": tally.late_answers,
        "moves": tally.moves,
        "try_again": tally.try_again,
        "forked_days": tally.forked_days,
        "late_runs": {str(run): number for run, number in sorted(tally.late_runs.items())},
    }
    if not cell.habits:
        found |= {
            "logouts": tally.logouts,
            "days_with_logout": tally.days_with_logout,
            "causes": dict(sorted(tally.causes.items())),
        }
        return found
    outcomes = Counter(theft.outcome for theft in tally.thefts)
    caught = [theft for theft in tally.thefts if theft.outcome == "caught"]
    found |= {
        "used": len(tally.thefts),
        "unused": tally.unused_thefts,
        "outcomes": dict(sorted(outcomes.items())),
        "caught": _caught(caught) if caught else None,
    }
    return found


class Results:
    """The file of results; what was simulated by the same sources and seed is kept.

    Args:
        path: of the file.
        seed: of the run.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        digest = hashlib.sha256(PROTOCOL.read_bytes())
        for name in SOURCES:
            digest.update((HERE / f"{name}.py").read_bytes())
        self.about: dict[str, Any] = {
            "version": version("django-tokenauth"),
            "seed": seed,
            "sources": digest.hexdigest()[:16],
        }
        self.cells: dict[str, dict[str, Any]] = {}
        if path.exists():
            kept = json.loads(path.read_text())
            if kept["about"] == self.about:
                self.cells = kept["cells"]

    def has(self, cell: Cell) -> bool:
        """Whether this cell has been simulated, for as many days or more."""
        kept = self.cells.get(cell.name)
        return bool(kept and kept["days"] >= cell.days and kept["cell"] == _what(cell))

    def add(self, cell: Cell, tally: Tally) -> None:
        """Keep a cell's figures."""
        self.cells[cell.name] = summary(cell, tally)
        text = json.dumps({"about": self.about, "cells": self.cells}, indent=1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(text + "\n")
