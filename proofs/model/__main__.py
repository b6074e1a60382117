"""``python -m proofs.model``: explore everything; ``--mutate``: leave out one guard at a time."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from proofs.model.explorer import Explorer, Found
from proofs.model.invariants import check
from proofs.model.mutants import (
    BENT_RULES,
    REDUNDANT,
    TOGETHER,
    Verdict,
    guards,
    try_guards,
    try_rule,
)
from proofs.model.parts import Database, Scenario
from proofs.model.scenarios import combinations, honest, limits, named


@dataclass
class Total:
    """What all explorations came to."""

    scenarios: int = 0
    states: int = 0
    schedules: int = 0

    def add(self, found: Found) -> None:
        """Count one more."""
        self.scenarios += 1
        self.states += found.states
        self.schedules += found.schedules

    def __str__(self) -> str:
        return f"{self.scenarios:>9,} {self.states:>12,} {self.schedules:>20,}"


def explore(
    total: Total, title: str, scenarios: Iterable[Scenario], database: Database, *, each: bool
) -> bool:
    """Explore these; print one line, or one for each; return whether all is well."""
    began, group = time.monotonic(), Total()
    for scenario in scenarios:
        found = Explorer(scenario, database, check).explore()
        if found.violation is not None:
            print(f"\nVIOLATION: {found.violation}\n  in {scenario.name}")
            print(*(f"    {line}" for line in found.trace), sep="\n")
            return False
        group.add(found)
        total.add(found)
        if each:
            print(f"{1:>9,} {found.states:>12,} {found.schedules:>20,}  {scenario.name}")
    if not each:
        print(f"{group}  {title} ({time.monotonic() - began:.0f} s)", flush=True)
    return True


def explore_all(*, verbose: bool) -> bool:
    """Explore everything, and the limits; return whether all is as documented."""
    total, plain, refusing = Total(), Database(), Database(refuses=True)
    print(f"{'scenarios':>9} {'states':>12} {'schedules':>20}")
    groups = [
        ("every pair, grace 30 s", combinations(2), plain, verbose),
        ("every pair, no grace", combinations(2, grace=0), plain, verbose),
        ("every triple, grace 30 s", combinations(3), plain, verbose),
        ("every pair, the database may refuse any statement", combinations(2), refusing, verbose),
        ("", named(), plain, True),
        ("", honest(), plain, True),
    ]
    for title, scenarios, database, each in groups:
        if not explore(total, title, scenarios, database, each=each):
            return False
    print(f"{total}  in all: exhaustive, no violation")
    return all(show_limit(scenario, expected) for scenario, expected in limits())


def show_limit(scenario: Scenario, expected: str) -> bool:
    """Show something that is known to happen; return whether it did."""
    found = Explorer(scenario, Database(), check).explore()
    if found.violation != expected:
        print(f"\n{scenario.name}: expected {expected!r}, found {found.violation!r}")
        return False
    print(f"\nAs documented: {expected}\n  in {scenario.name}")
    print(*(f"    {line}" for line in found.trace), sep="\n")
    return True


def mutate() -> bool:
    """Leave out one guard at a time; return whether each was seen, or is known as redundant."""
    clean = all(_report(verdict) for verdict in map(try_rule, BENT_RULES))
    for mutant in guards():
        verdict = try_guards(mutant)
        reason = REDUNDANT.get(mutant)
        clean &= _report(verdict, reason)
    for mutants in TOGETHER:
        clean &= _report(try_guards(*mutants))
    return clean


def _report(verdict: Verdict, redundant: str | None = None) -> bool:
    if verdict.found is None:
        said = f"redundant: {redundant}" if redundant else "NOT SEEN"
        print(f"{verdict.name}\n    {said} ({verdict.tried:,} scenarios)", flush=True)
        return redundant is not None
    print(f"{verdict.name}\n    {verdict.found.violation}, in {verdict.scenario}")
    print(*(f"        {line}" for line in verdict.found.trace), sep="\n", flush=True)
    return redundant is None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m proofs.model", description=__doc__)
    parser.add_argument("--mutate", action="store_true", help="leave out one guard at a time")
    parser.add_argument("--verbose", action="store_true", help="one line for each scenario")
    arguments = parser.parse_args()
    sys.exit(0 if (mutate() if arguments.mutate else explore_all(verbose=arguments.verbose)) else 1)


if __name__ == "__main__":
    main()
