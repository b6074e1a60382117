"""What is simulated: each question is a list of cells."""

from __future__ import annotations

from dataclasses import replace

from proofs.simulation.browser import BEST, NAIVE, PAGE
from proofs.simulation.rules import RULES
from proofs.simulation.run import Cell
from proofs.simulation.thief import Habit
from proofs.simulation.world import World

__all__ = ["BROKEN", "CLIENTS", "HERE", "LIMITS", "LOSSY", "OURS", "THEIRS", "all_cells"]

CLIENTS = {"lock and retries": BEST, "session.js": PAGE, "naive": NAIVE}
OURS = [name for name in RULES if name.startswith("ours")]
THEIRS = [name for name in RULES if name not in OURS]
LIMITS: list[int | None] = [1, 2, 3, 4, 5, None]
"""Of late answers in a row; ``None`` is no limit."""

HERE = {True: "here", False: "elsewhere"}
LOSSY = 0.2
UNLIMITED = 10**9
MANY, USUAL, FEW = 100_000, 10_000, 2_000

BROKEN: dict[str, World] = {
    "clients give up after 30 s": World(give_up=30.0),
    "clients give up after 60 s": World(give_up=60.0),
    "requests live for 60 s": World(request_life=60.0),
    "clients give up after 60 s, requests live for 60 s": World(give_up=60.0, request_life=60.0),
    "half of the answers due while asleep are taken on waking": World(survives_sleep=0.5),
    "hosts' clocks are up to 2 s off": World(skew=2.0),
    "a crash loses up to 30 s of the cookie store": World(flush=30.0),
    "once a day the cookie store is put back by 5 minutes": World(snapshot=300.0),
    "once a day the cookie store is put back by an hour": World(snapshot=3600.0),
}
"""Worlds in which an assumption of the guarantee does not hold, by what is different."""


def honest_cells() -> list[Cell]:
    """Return false logouts and forks at 5 % loss: every rule and client."""
    cells = []
    for rule in RULES:
        for client, behaviour in CLIENTS.items():
            # What is used where makes no difference to the others' rules.
            for seen in (True, False) if rule in OURS else (True,):
                days = MANY if rule == "ours 30" and seen else USUAL
                name = f"honest/{rule}/{client}/{HERE[seen]}"
                cells.append(Cell(name, rule, World(uses_seen=seen), behaviour, days))
    return cells


def lossy_cells() -> list[Cell]:
    """Return the same at 20 % loss."""
    return [
        replace(cell, name=f"lossy/{cell.name}", world=replace(cell.world, loss=LOSSY), days=USUAL)
        for cell in honest_cells()
        if cell.world.uses_seen or cell.rule == "ours 30"
    ]


def broken_cells() -> list[Cell]:
    """Return the worlds in which an assumption does not hold."""
    return [
        Cell(f"broken/{what}/{client}", "ours 30", world, CLIENTS[client])
        for what, world in BROKEN.items()
        for client in ("session.js", "naive")
    ]


def theft_cells() -> list[Cell]:
    """Return thieves, by habit, against every rule; their use seen here, or not."""
    cells = []
    for rule in RULES:
        for seen in (True, False) if rule in OURS else (True,):
            world = World(uses_seen=seen)
            for what, habits, many in (
                ("both go on", (Habit.STEADY, Habit.NOW_AND_THEN), USUAL),
                ("takes turns", (Habit.TAKES_TURNS,), FEW),
                ("follows", (Habit.FOLLOWS,), FEW // 4),
            ):
                days = many if rule in OURS else min(many, FEW)
                name = f"theft/{rule}/{what}/{HERE[seen]}"
                cells.append(Cell(name, rule, world, PAGE, days, habits, thief_seen=seen))
    return cells


def limit_cells() -> list[Cell]:
    """Return MAX_LATE_RUN of 1 to 5 and none: false logouts, and thieves."""
    cells = []
    for limit in LIMITS:
        late_run = UNLIMITED if limit is None else limit
        for loss in (0.05, LOSSY):
            world = World(loss=loss, uses_seen=False)
            name = f"limit/{limit}/{loss}"
            cells += [
                Cell(f"{name}/{client}", "ours 30", world, CLIENTS[client], late_run=late_run)
                for client in ("session.js", "naive")
            ]
            for what, habits in (
                ("both go on", (Habit.STEADY, Habit.NOW_AND_THEN)),
                ("takes turns", (Habit.TAKES_TURNS,)),
            ):
                theft = Cell(f"{name}/{what}", "ours 30", world, PAGE, FEW, habits)
                cells.append(replace(theft, thief_seen=False, late_run=late_run))
    # The reason why a use that was seen does not reset the run.
    mixed = Cell("", "ours 30", World(uses_seen=False), PAGE, FEW, (Habit.TAKES_TURNS,))
    cells += [
        replace(mixed, name=f"limit/{limit}/mixed", late_run=limit or UNLIMITED) for limit in LIMITS
    ]
    return cells


def race_cells() -> list[Cell]:
    """Return GRACE 0 and 10 with and without RACE; with it, honest days are in the first table."""
    cells = []
    for rule in ("ours 0", "ours 10"):
        for seen in (True, False):
            world = World(uses_seen=seen)
            for client, behaviour in CLIENTS.items():
                name = f"race/{rule}/{client}/{HERE[seen]}"
                cells.append(Cell(name, rule, world, behaviour, race=0.0))
            for what, habits in (
                ("both go on", (Habit.STEADY, Habit.NOW_AND_THEN)),
                ("takes turns", (Habit.TAKES_TURNS,)),
            ):
                theft = Cell(f"race/{rule}/{what}/{HERE[seen]}", rule, world, PAGE, FEW, habits)
                cells.append(replace(theft, thief_seen=seen, race=0.0))
    return cells


def all_cells(part: int = 1) -> list[Cell]:
    """Return everything, what matters most first.

    Args:
        part: an nth of the days only.
    """
    honest = honest_cells()
    default = [cell for cell in honest if cell.rule == "ours 30"]
    cells = [
        *(cell for cell in default if cell.behaviour is PAGE),
        *(theft_cells() + limit_cells() + broken_cells()),
        *(cell for cell in honest if cell.rule != "ours 30"),
        *(race_cells() + lossy_cells()),
        *(cell for cell in default if cell.behaviour is not PAGE),
    ]
    assert len({cell.name for cell in cells}) == len(cells)
    return [replace(cell, days=cell.days // part) for cell in cells]
