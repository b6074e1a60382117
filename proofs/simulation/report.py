"""The docs: tables between marks in the page, and the plots beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from proofs.simulation.cells import CLIENTS, HERE, OURS
from proofs.simulation.figures import Results, bounds
from proofs.simulation.plot import Line, dots, lines
from proofs.simulation.rules import RULES
from proofs.simulation.tables import SECTIONS

__all__ = ["plots", "rendered", "write_docs"]

MOST_TURNS = 10


def _about(results: Results) -> str:
    about = results.about
    days = sum(found["days"] for found in results.cells.values())
    return (
        f"Version {about['version']}, seed {about['seed']}, sources `{about['sources']}`: "
        f"{len(results.cells)} cells, {days:,} browser-days and thefts."
    )


def rendered(page: str, results: Results) -> str:
    """Return the page with its marked sections written anew.

    Args:
        page: the text; what stands between the marks is replaced.
        results: where the figures are from.

    Raises:
        ValueError: a section has no marks in the page.
    """
    sections: dict[str, Callable[[Results], str]] = {"about": _about, **SECTIONS}
    for name, write in sections.items():
        begin, end = f"<!-- {name}: written by python -m proofs.simulation -->", f"<!-- /{name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"the page has no marks for {name}")
        page = f"{before}{begin}\n\n{write(results)}\n\n{end}{after}"
    return page


def _cumulated(found: dict[str, Any] | None) -> list[float]:
    """The share of used thefts that was caught within 1, 2, 3 ... turns."""
    if not found or not found["caught"]:
        return [0.0] * MOST_TURNS
    turns = {int(number): count for number, count in found["caught"]["turns"].items()}
    return [
        sum(count for number, count in turns.items() if number <= most) / found["used"]
        for most in range(1, MOST_TURNS + 1)
    ]


def _turns(results: Results, what: str) -> list[Line]:
    return [
        Line(
            f"{rule.split()[1]} s, used {where}",
            _cumulated(results.cells.get(f"theft/{rule}/{what}/{where}")),
            colour,
            dashed=not seen,
        )
        for seen, where in HERE.items()
        for colour, rule in enumerate(OURS)
    ]


def plots(results: Results) -> dict[str, str]:
    """Return the plots as SVG, by file name."""
    rows = []
    for rule in RULES:
        values = []
        for client in CLIENTS:
            found = results.cells.get(f"honest/{rule}/{client}/here")
            if found is None:
                continue
            bound = bounds(0, found["days"])[1]
            none = not found["logouts"]
            values.append((1000 * (bound if none else found["logouts"] / found["days"]), none))
        rows.append((RULES[rule].name, values))
    return {
        "simulation-logouts.svg": dots(
            "False logouts in 1,000 browser-days, at 5 % loss", list(CLIENTS), rows
        ),
        "simulation-thieves.svg": lines(
            "Thieves caught, by turns",
            "turns of thief and victim, his first use included",
            [
                ("Both go on", _turns(results, "both go on")),
                ("The thief takes turns", _turns(results, "takes turns")),
            ],
        ),
    }


def write_docs(results: Results, folder: Path) -> None:
    """Write the plots, and the figures into the page.

    Args:
        results: where the figures are from.
        folder: of the page.
    """
    page = folder / "simulation.md"
    page.write_text(rendered(page.read_text(), results))
    for name, picture in plots(results).items():
        (folder / name).write_text(picture)
