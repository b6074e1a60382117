"""The table of ``docs/benchmarks/failures.md``."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

import django
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from benchmarks.failures.logins import REFERENCE, WAYS
from benchmarks.report import ratio
from benchmarks.results import Slice

__all__ = ["REPORT", "render", "write"]

REPORT = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks" / "failures.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def render(
    taken: Mapping[str, list[Slice]], server: Mapping[str, str], began: datetime, load: str
) -> str:
    """Return the section that is measured.

    Args:
        taken: by way to fail: what each round took.
        server: of the database server, what bears on the times.
        began: when.
        load: the load averages at the beginning.
    """
    rounds = len(taken[REFERENCE])
    lines = [
        "| | processor, ms | wall, ms | processor, ratio | wall, ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for way, name in WAYS.items():
        times = [_spread(taken[way], by) for by in (_cpu, _wall)]
        ratios = [_ratio(taken[way], taken[REFERENCE], by) for by in (_cpu, _wall)]
        lines.append(f"| {' | '.join([name, *times, *(ratios if way != REFERENCE else '11')])} |")
    settings = ", ".join(f"{key.removeprefix('server_')} {value}" for key, value in server.items())
    how = (
        f"{rounds} rounds; in each, every way once, in random order. Times: median, and the "
        "quartiles. Ratios, to the unknown user of the same round: median, and the interval that "
        "holds it by 95 %."
    )
    now = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    machine = (
        f"{began:%Y-%m-%d %H:%M} UTC; Python {platform.python_version()}, "
        f"Django {django.get_version()}, PBKDF2 of {PBKDF2PasswordHasher.iterations:,} "
        f"iterations; PostgreSQL {settings}; {os.cpu_count()} processors that other programs "
        f"used too: load averages {load} at the beginning and {now} at the end."
    )
    lines += ["", how, "", machine]
    return "\n".join(lines)


def _cpu(taken: Slice) -> float:
    return taken.cpu


def _wall(taken: Slice) -> float:
    return taken.wall


def _spread(taken: list[Slice], by: Callable[[Slice], float]) -> str:
    values = [by(one) * 1000 for one in taken]
    low, _middle, high = quantiles(values, n=4)
    return f"{median(values):.1f} ({low:.1f} to {high:.1f})"


def _ratio(over: list[Slice], under: list[Slice], by: Callable[[Slice], float]) -> str:
    found = ratio(over, under, by)
    return f"{found.middle:.3f} ({found.low:.3f} to {found.high:.3f})"


def write(section: str) -> Path:
    """Put the section into the page; return its path."""
    page = REPORT.read_text()
    marks = re.compile(rf"({BEGIN}\n).*?({END})", re.DOTALL)
    replaced, found = marks.subn(lambda mark: f"{mark[1]}\n{section}\n\n{mark[2]}", page)
    assert found == 1, f"{REPORT} has no marks"
    REPORT.write_text(replaced)
    return REPORT
