"""Taking turns: every candidate of a case runs a short slice, then every one again.

The load of a machine, its clock frequency and the state of its disk change by the second. A slice
is some hundredths of a second, and what is compared are slices of one round, so what disturbs one
candidate disturbs its neighbours too and leaves their ratio alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.processes import Process, start
from benchmarks.projects import CANDIDATES
from benchmarks.results import Plan, Results, Slice

__all__ = ["measure"]


LEAD = 5
"""Requests before each slice that are not measured: a process that others have run over since its
last turn finds its caches cold, and its revocation list half a second old."""

LONG_COUNT = 10_000
"""Requests over which the statements of the revocation list are counted: it has few."""


def measure(plan: Plan, url: str, cases: list[str], results: Results) -> Iterator[str]:
    """Measure; yield the name of the case after every round, for whoever shows progress.

    Args:
        plan: how much.
        url: the database server.
        cases: which.
        results: where to put what was measured.
    """
    projects = {entry.project: None for case in cases for entry in CANDIDATES[case].values()}
    for number in range(plan.starts):
        with start(projects, url, plan.warm_up) as processes:
            for case in cases:
                for turn in range(plan.rounds[case]):
                    _round(plan, processes, case, turn, results)
                    yield case
                if number == 0:
                    _count(plan, processes, case, results)


def _round(
    plan: Plan, processes: Mapping[str, Process], case: str, turn: int, results: Results
) -> None:
    names = list(CANDIDATES[case])
    # Nobody is always the first, or always behind the one that writes most.
    shift = turn % len(names)
    names = names[shift:] + names[:shift]
    if turn % 2:
        names.reverse()
    requests = plan.slices[case]
    for name in names:
        facts: dict[str, Any] = {"case": case, "candidate": name}
        process = processes[CANDIDATES[case][name].project]
        taken = process.ask("run", **facts, lead=LEAD, requests=requests)
        taken = Slice(taken["wall"] / requests, taken["cpu"] / requests)
        results.slices[case][name].append(taken)


def _count(plan: Plan, processes: Mapping[str, Process], case: str, results: Results) -> None:
    for name, entry in CANDIDATES[case].items():
        requests = LONG_COUNT if (case, name) == ("api", "list") else plan.counted
        process = processes[entry.project]
        answer = process.ask("statements", case=case, candidate=name, requests=requests)
        counts = {kind: count / requests for kind, count in answer["counts"].items()}
        results.statements[case][name] = counts
        # The label of a candidate is a promise.
        if case == "refresh" and name != "updated-row":
            promised = 0 if name == "grace" else requests
            assert answer["rotations"] == promised, f"{name}: {answer['rotations']} rotations"
