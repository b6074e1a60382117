"""The checker with one guard left out: each must be seen, or be known to guard something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from proofs.model.explorer import Explorer, Found
from proofs.model.invariants import check
from proofs.model.parts import Database, Mutant, Scenario
from proofs.model.programs import Rules
from proofs.model.scenarios import combinations, named

__all__ = ["BENT_RULES", "REDUNDANT", "TOGETHER", "Verdict", "guards", "try_guards", "try_rule"]

BENT_RULES: dict[str, Rules] = {
    "a jump by one generation, not two": Rules(jump=1),
    "who lost the race to rotate may be late": Rules(forgives_races=False),
}
"""Rules beside the guards, each of them broken."""

_BOTH_SAY_IT = "revoked_at and end_recorded_at are written together, so each covers the other"
_JUST_READ = "the row was read alive at the same time, and nothing moves an end to before that"

_MOVES_NO_END = "it moves neither generation nor end, and what it answers is refused from then on"

_GUARDED_TWICE = ("catch up", "confirm", "late", "password", "repeat", "rotate", "step-up")

REDUNDANT: dict[Mutant, str] = {
    **{Mutant(label, "revoked_at", "is null"): _BOTH_SAY_IT for label in _GUARDED_TWICE},
    Mutant("repeat", "end_recorded_at", "is null"): _MOVES_NO_END,
    Mutant("confirm", "generation", ">="): (
        "the session check refuses a token of a generation that the row does not have; the checks "
        "that read no row, which are not modelled, need it"
    ),
    Mutant("account", "revoked_at", "is null"): _BOTH_SAY_IT,
    Mutant("account", "end_recorded_at", "is null"): _BOTH_SAY_IT,
    Mutant("account", "expires_at", ">"): _JUST_READ,
    Mutant("expired", "revoked_at", "is null"): _BOTH_SAY_IT,
    Mutant("late", "late_generation", "="): (
        "who lost this race would write the same values again: they follow from the generation, "
        "which is guarded, and from what both have read"
    ),
    Mutant("reuse", "expires_at", ">"): _JUST_READ,
    Mutant("step-up", "expires_at", ">"): _JUST_READ,
}
"""Guards without which nothing that is checked here goes wrong, and why."""

TOGETHER: tuple[tuple[Mutant, ...], ...] = tuple(
    (Mutant(label, "revoked_at", "is null"), Mutant(label, "end_recorded_at", "is null"))
    for label in ("account", "expired", *_GUARDED_TWICE)
)
"""Guards that cover each other: at least one of them is needed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant.

    Attributes:
        name: the mutant.
        scenario: where it was seen; ``None`` if nowhere.
        found: the violation and its trace.
        tried: how many scenarios were explored.
    """

    name: str
    scenario: str | None
    found: Found | None
    tried: int


def _scenarios() -> Iterator[Scenario]:
    return chain(combinations(2), combinations(2, grace=0), named())


def guards() -> list[Mutant]:
    """Return every guard of every UPDATE and DELETE that any pair of actors sends."""
    found: set[Mutant] = set()
    for scenario in combinations(2):
        found |= Explorer(scenario, Database(), check).explore().guards
    return sorted(found)


def try_guards(*mutants: Mutant) -> Verdict:
    """Explore until a scenario shows that these guards are missing, all of them at once."""
    tried = 0
    for scenario in _scenarios():
        tried += 1
        found = Explorer(scenario, Database(), check, without=frozenset(mutants)).explore()
        if found.violation is not None:
            return Verdict(" and ".join(map(str, mutants)), scenario.name, found, tried)
    return Verdict(" and ".join(map(str, mutants)), None, None, tried)


def try_rule(name: str) -> Verdict:
    """Explore until a scenario shows that a rule is broken."""
    tried = 0
    bent = BENT_RULES[name]
    for scenario in _scenarios():
        tried += 1
        rules = bent._replace(grace=scenario.rules.grace)
        found = Explorer(scenario._replace(rules=rules), Database(), check).explore()
        if found.violation is not None:
            return Verdict(name, scenario.name, found, tried)
    return Verdict(name, None, None, tried)
