"""The sweep: every kind of request, killed and cut off in every gap between two statements."""

from __future__ import annotations

import random
import threading
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from proofs.chaos.faults import Plan
from proofs.chaos.scenarios import Scenario, gaps_of, scenarios
from proofs.chaos.server import Server
from proofs.chaos.stage import Stage

__all__ = ["Sweep"]

ATTEMPTS = 4
"""So often a gap is tried that was missed, because something else struck first."""


class Sweep:
    """All gaps of all scenarios, in random order.

    Args:
        stage: where the scenarios run.
        server: whose record of faults says what struck.
        seed: of the order.

    Attributes:
        statements: of each scenario's request, by title.
        planned: how many gaps were to be hit, by fault.
        hit: how many were.
        missed: titles and places of those that were not.
    """

    def __init__(self, stage: Stage, server: Server, seed: int) -> None:
        self._stage, self._server = stage, server
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._todo: deque[tuple[Scenario, Plan, int]] = deque()
        self.statements: dict[str, list[str]] = {}
        self.planned: Counter[str] = Counter()
        self.hit: Counter[str] = Counter()
        self.missed: list[str] = []

    def prepare(self, limit: int | None, only: Sequence[str] | None) -> None:
        """Learn the statements of the scenarios, and list the gaps.

        Args:
            limit: so many for each fault at most, picked at random; all for ``None``.
            only: names of scenarios; all for ``None``.
        """
        found: dict[str, list[tuple[Scenario, Plan]]] = {"kill": [], "cut": []}
        wanted = [one for one in scenarios() if only is None or one.name in only]
        with ThreadPoolExecutor(4) as pool:
            probes = list(pool.map(self._probe, wanted))
        for scenario, statements in zip(wanted, probes, strict=True):
            self.statements[scenario.title] = statements
            for fault, gaps in found.items():
                gaps += [(scenario, plan) for plan in gaps_of(statements, fault)]
        for fault, gaps in found.items():
            self._chance.shuffle(gaps)
            chosen = gaps[:limit]
            self.planned[fault] = len(chosen)
            self._todo.extend((scenario, plan, 0) for scenario, plan in chosen)
        self._chance.shuffle(self._todo)
        print(f"gaps: {dict(self.planned)}", flush=True)
        for number, (_, plan, _) in enumerate(self._todo):
            plan.mark = str(number)

    def _probe(self, scenario: Scenario) -> list[str]:
        plan = Plan()
        scenario.run(self._stage, scenario.transport, plan)
        return plan.statements

    def run(self) -> None:
        """Go through the list until it is empty; several threads may."""
        while True:
            with self._lock:
                if not self._todo:
                    return
                scenario, plan, attempt = self._todo.popleft()
            self._one(scenario, plan, attempt + 1)

    def _one(self, scenario: Scenario, plan: Plan, attempt: int) -> None:
        # A scenario's plan is used up by its request; the list keeps the original.
        copy = Plan(plan.fault, plan.place, plan.number, f"{plan.mark}.{attempt}")
        scenario.run(self._stage, scenario.transport, copy)
        struck = any(entry["mark"] == copy.mark for entry in self._server.faults())
        with self._lock:
            if struck:
                self.hit[plan.fault] += 1
            elif attempt < ATTEMPTS:
                self._todo.append((scenario, plan, attempt))
            else:
                place = f"{plan.fault} {plan.place} {plan.number}"
                self.missed.append(f"{scenario.title}: {place}")
