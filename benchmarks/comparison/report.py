"""The tables, made from the figures of the last run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.comparison.registry import SHORT

__all__ = [
    "FIGURES",
    "ROOT",
    "keep",
    "kept",
    "render",
    "save",
    "short_table",
    "stale",
    "tables",
    "write",
]

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "benchmarks" / "comparison.json"
KEPT = ROOT / "build" / "comparison"
DOCUMENTS = {
    "docs/benchmarks/comparison.md": "tables",
    "README.md": "short_table",
}
MARKED = re.compile(r"(<!-- comparison -->\n).*?(<!-- /comparison -->)", re.DOTALL)

TITLES = {
    "race": "two tabs refresh at the same moment",
    "lost": "the same token again at once, because the answer was lost",
    "lost_late": "the same, after any grace",
    "theft": "a superseded token comes back: does the current one die?",
    "theft_atomic": "the same, under `ATOMIC_REQUESTS`",
    "deactivated": "user deactivated",
    "password": "password changed as the admin does",
    "revoked": "ended by staff",
    "at_rest": "readable in the database",
    "login_cost": "statements per login",
    "refresh_cost": "per refresh",
    "call_cost": "per API request",
    "first_call_cost": "per first API request with an access token",
}
GROUPS = {
    "Refresh": ("race", "lost", "lost_late"),
    "Theft": ("theft", "theft_atomic"),
    "The account, and staff": ("deactivated", "password", "revoked"),
    "The database": ("at_rest", "login_cost", "refresh_cost", "first_call_cost", "call_cost"),
}
SHORT_KEYS = ("race", "lost", "theft", "password", "revoked")
Result = dict[str, Any]


def keep(result: Result) -> None:
    """Keep the figures of one candidate until the run is over."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{result['name']}.json").write_text(json.dumps(result))


def kept() -> dict[str, Result]:
    """Return the figures that :func:`keep` kept, by candidate."""
    return {path.stem: json.loads(path.read_text()) for path in KEPT.glob("*.json")}


def save(results: list[Result]) -> None:
    """Save the figures of a whole run.

    Raises:
        ValueError: they are not of one environment and one number of rounds.
    """
    if len({(result["rounds"], *result["environment"].values()) for result in results}) != 1:
        raise ValueError("these figures are of different runs")
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(results, indent=2) + "\n")


def write() -> None:
    """Put the tables into the documents."""
    for path in DOCUMENTS:
        document = ROOT / path
        document.write_text(render(path, document.read_text(), _load()))


def stale() -> list[str]:
    """Return the documents whose tables are not those of the figures."""
    results = _load()
    texts = {path: (ROOT / path).read_text() for path in DOCUMENTS}
    return [path for path, text in texts.items() if render(path, text, results) != text]


def render(path: str, text: str, results: list[Result]) -> str:
    """Return a document with its marked section rewritten.

    Args:
        path: of the document, from the root.
        text: what is in it.
        results: of a run.

    Raises:
        ValueError: it has no marked section.
    """
    made = {"tables": tables, "short_table": short_table}[DOCUMENTS[path]](results)
    changed, count = MARKED.subn(lambda found: f"{found[1]}\n{made}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"{path} has {count} sections between the marks")
    return changed


def tables(results: list[Result]) -> str:
    """Return every figure, with the versions and the configurations."""
    environment = ", ".join(f"{name} {value}" for name, value in results[0]["environment"].items())
    lines = [f"{environment}; {results[0]['rounds']} rounds of each.", ""]
    lines += ["| package | configuration | how staff end a session |", "| --- | --- | --- |"]
    for result in results:
        way = result["staff_way"] or "no way"
        lines.append(f"| {_name(result)} | {result['configuration']} | {way} |")
    for title, keys in GROUPS.items():
        lines += ["", f"### {title}", "", *_table(results, keys, _counted)]
    return "\n".join(lines) + "\n"


def short_table(results: list[Result]) -> str:
    """Return the most telling columns; figures only where the rounds differ."""
    chosen = [result for result in results if result["name"] in SHORT]
    rounds = chosen[0]["rounds"]
    lines = [
        f"{rounds} rounds of each, on PostgreSQL, through each package's own views and in its",
        "safest configuration:",
        "",
        *_table(chosen, SHORT_KEYS, _agreed),
    ]
    return "\n".join(lines) + "\n"


def _table(results: list[Result], keys: tuple[str, ...], cell: Any) -> list[str]:
    head = " | ".join(TITLES[key] for key in keys)
    rows = [
        f"| {_name(result)} | " + " | ".join(cell(result["figures"][key]) for key in keys) + " |"
        for result in results
    ]
    return [f"| | {head} |", "| --- |" + " --- |" * len(keys), *rows]


def _name(result: Result) -> str:
    head, comma, tail = result["title"].partition(",")
    if result["name"] == "tokenauth":
        return f"**{head}**"
    return f"{head} {result['version']}{comma}{tail}"


def _counted(figures: dict[str, int] | None) -> str:
    if figures is None:
        return "nothing rotates"
    rounds = sum(figures.values())
    return "<br>".join(f"{words}: {count} of {rounds}" for words, count in figures.items())


def _agreed(figures: dict[str, int] | None) -> str:
    if figures is not None and len(figures) == 1:
        return next(iter(figures))
    return _counted(figures)


def _load() -> list[Result]:
    results: list[Result] = json.loads(FIGURES.read_text())
    return results
