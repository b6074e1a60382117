"""The tables of ``docs/benchmarks.md``."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from math import sqrt
from pathlib import Path
from statistics import median

from benchmarks.projects import CANDIDATES, PROJECTS
from benchmarks.results import Plan, Results, Slice
from benchmarks.statements import FRAMES

__all__ = ["BEGIN", "END", "Ratio", "ratio", "render", "versions", "write"]

BEGIN = "<!-- written by python -m benchmarks: what is below is overwritten -->"
END = "<!-- end of what python -m benchmarks writes -->"
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

_TITLES = {
    "api": "API request, nothing of the user is read",
    "username": "API request, the user's name is read",
    "refresh": "Refresh",
    "login": "Login (MD5 hasher)",
}
_REFERENCES = {
    "api": ("pyjwt", "joined-row", "simplejwt"),
    "username": ("pyjwt", "joined-row", "simplejwt"),
    "refresh": ("updated-row", "simplejwt"),
    "login": ("login-floor", "simplejwt"),
}


@dataclass(frozen=True)
class Ratio:
    """The median of a ratio over all rounds, and the interval that holds it by 95 %."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(over: list[Slice], under: list[Slice], by: Callable[[Slice], float]) -> Ratio:
    """Return how one candidate's times relate to another's, slice by slice of the same round.

    The interval is the distribution-free one of a median: two order statistics, binomial.

    Args:
        over: the slices above the line.
        under: the slices below it.
        by: which time of a slice counts.
    """
    values = sorted(by(one) / by(other) for one, other in zip(over, under, strict=True))
    count = len(values)
    # Of the values in order, counted from 1: n/2 - 0.98 sqrt(n) from either end, rounded outwards.
    low = max(0, int(count / 2 - 0.98 * sqrt(count)) - 1)
    return Ratio(median(values), values[low], values[count - 1 - low])


def _wall(taken: Slice) -> float:
    return taken.wall


def _cpu(taken: Slice) -> float:
    return taken.cpu


def versions(server: Mapping[str, str], now: datetime) -> str:
    """Return what was measured, with what, on what."""
    packages = [name for project in PROJECTS.values() for name in project.packages]
    names = ["Django", "djangorestframework", "PyJWT", "psycopg", *dict.fromkeys(packages)]
    found = [f"{name} {version(name)}" for name in names if name != "django-tokenauth"]
    git = subprocess.run(
        ["git", "describe", "--always", "--tags", "--dirty"],
        cwd=DOCUMENT.parent,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    settings = ", ".join(
        f"{name} {value}" for name, value in server.items() if name != "server_version"
    )
    return "\n".join(
        [
            f"- {now:%Y-%m-%d %H:%M} UTC, tokenauth {version('django-tokenauth')} at {git or '?'}",
            f"- Python {platform.python_version()}, {', '.join(found)}",
            f"- PostgreSQL {server['server_version']} ({settings})",
            f"- {os.cpu_count()} processors, load average at the end {load}",
        ]
    )


def _statements(kinds: Mapping[str, float]) -> str:
    """Return statements per request as text; those that only frame others after a plus."""
    frames = sum(count for kind, count in kinds.items() if kind in FRAMES)
    rest = sum(kinds.values()) - frames
    text = f"{rest:.4f}".rstrip("0").rstrip(".")
    return f"{text} + {frames:.0f}" if frames else text


def _table(case: str, results: Results) -> list[str]:
    entries, slices = CANDIDATES[case], results.slices[case]
    references = _REFERENCES[case]
    heads = [f"wall / CPU ÷ {entries[name].label.removeprefix('floor: ')}" for name in references]
    lines = [
        f"### {_TITLES[case]}",
        "",
        f"| | statements | ms wall | ms CPU | {' | '.join(heads)} |",
        f"| --- | ---: | ---: | ---: |{' ---: |' * len(heads)}",
    ]
    for name, entry in entries.items():
        own = slices[name]
        times = [f"{median(map(by, own)) * 1000:.3f}" for by in (_wall, _cpu)]
        ratios = [
            " / ".join(f"{ratio(own, slices[other], by).middle:.2f}" for by in (_wall, _cpu))
            for other in references
        ]
        counts = _statements(results.statements[case][name])
        lines.append(f"| {entry.label} | {counts} | {' | '.join([*times, *ratios])} |")
    return [*lines, ""]


@dataclass(frozen=True)
class _Target:
    words: str
    case: str
    ours: str
    theirs: str
    least: float


_TARGETS = (
    _Target("List mode within 10 % of a bare view with PyJWT", "api", "list", "pyjwt", 0.9),
    _Target("Session mode within 10 % of one joined row", "api", "session", "joined-row", 0.9),
    _Target("Session mode faster than simplejwt's default", "api", "session", "simplejwt", 1.0),
    _Target("Refresh at least 4 times simplejwt", "refresh", "grace-0", "simplejwt", 4.0),
    _Target(
        "Refresh at least 4 times simplejwt, each with its statements prepared",
        *("refresh", "grace-0-prepared", "simplejwt-prepared", 4.0),
    ),
)


def _targets(results: Results) -> list[str]:
    lines = [
        "### Targets, by requests per second",
        "",
        "| target | ours ÷ theirs, wall (95 %) | CPU (95 %) | at least | |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for target in _TARGETS:
        if target.case not in results.slices:
            continue
        slices = results.slices[target.case]
        # Requests per second: the times change places.
        wall, cpu = (ratio(slices[target.theirs], slices[target.ours], by) for by in (_wall, _cpu))
        verdict = "met" if wall.middle >= target.least else "**not met**"
        if wall.low < target.least <= wall.high:
            verdict += ", within the noise"
        lines.append(f"| {target.words} | {wall} | {cpu} | {target.least} | {verdict} |")
    return [*lines, ""]


def _kinds(results: Results) -> list[str]:
    lines = ["### Statements per request, by kind", ""]
    for case, counts in results.statements.items():
        lines += [f"{_TITLES[case]}:", ""]
        for name, kinds in counts.items():
            listed = ", ".join(f"{count:.4g} {kind}" for kind, count in kinds.items())
            lines.append(f"- {CANDIDATES[case][name].label}: {listed or 'none'}")
        lines.append("")
    return lines


def render(results: Results, plan: Plan, facts: str) -> str:
    """Return the section of the document.

    Args:
        results: what was measured.
        plan: how much of it.
        facts: what :func:`versions` returned.
    """
    rounds = ", ".join(
        f"{case}: {plan.starts} x {plan.rounds[case]} rounds of {plan.slices[case]} requests"
        for case in results.slices
    )
    lines = [facts, f"- {rounds}", "", *_targets(results)]
    for case in results.slices:
        lines += _table(case, results)
    return "\n".join([*lines, *_kinds(results)]).rstrip() + "\n"


def write(section: str) -> Path:
    """Put the section between its marks in the document; return the document's path."""
    before, rest = DOCUMENT.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{section}\n{END}{after}", "utf-8")
    return DOCUMENT
