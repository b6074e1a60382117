"""The interleavings of a scenario one by one, for those who carry them out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from proofs.model.explorer import Explorer
from proofs.model.parts import Step
from proofs.model.state import World

__all__ = ["Schedule", "schedules"]

Schedule: TypeAlias = tuple[tuple[Step, World], ...]
"""Statements in one possible order, each with the world after it."""


def schedules(explorer: Explorer) -> Iterator[Schedule]:
    """Yield every order of the statements of an explorer's scenario, depth first."""
    path: list[tuple[Step, World]] = []
    branches = [explorer.steps(explorer.start())]
    while branches:
        following = next(branches[-1], None)
        if following is None:
            branches.pop()
            if path:
                path.pop()
            continue
        path.append(following)
        further = list(explorer.steps(following[1]))
        if further:
            branches.append(iter(further))
        else:
            yield tuple(path)
            path.pop()
