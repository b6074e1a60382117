"""Where the time of one case goes: what a request costs, by statement, by layer and by function."""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchmarks.processes import start
from benchmarks.projects import CANDIDATES

__all__ = ["DEFAULTS", "profile"]

DEFAULTS = {"api": "session", "username": "session", "refresh": "grace-0", "login": "session"}
"""The candidate that a case is profiled at if none is named."""

ROWS = 15
_LAYERS = (
    ("waiting for the database, and its driver", ("psycopg",)),
    ("Django's ORM", ("django/db/",)),
    ("Django, the rest", ("django/", "asgiref/")),
    ("REST framework", ("rest_framework/",)),
    ("tokenauth", ("tokenauth/",)),
    ("JWT libraries", ("jwt/", "rest_framework_simplejwt/")),
    ("the benchmark", ("benchmarks/",)),
)


def profile(case: str, candidate: str, url: str, requests: int) -> str:
    """Profile one case at one candidate; return the report.

    Args:
        case: which.
        candidate: at which.
        url: the database server.
        requests: over how many requests.
    """
    project = CANDIDATES[case][candidate].project
    with start([project], url, warm_up=200) as processes:
        process = processes[project]
        facts = {"case": case, "candidate": candidate, "requests": requests}
        plain = process.ask("run", lead=0, **facts)
        statements = process.ask("statements", **facts)
        profiled = process.ask("profile", **facts)
    taken = (plain["wall"], plain["cpu"], profiled["seconds"])
    lines = [
        f"{case}, {candidate}: {requests} requests",
        "ms per request: {:.3f} on the wall, {:.3f} of this process, {:.3f} under cProfile".format(
            *(value / requests * 1000 for value in taken)
        ),
        "",
        *_statements(statements, requests),
        *_by_layer(profiled["rows"], requests),
        *_top("own", 2, profiled["rows"], requests),
        *_top("cumulative", 3, profiled["rows"], requests),
    ]
    return "\n".join(lines)


def _statements(answer: Any, requests: int) -> list[str]:
    lines = ["statements: per request, ms each from Django's cursor to the answer"]
    for kind, count in answer["counts"].items():
        seconds = answer["seconds"].get(kind, 0.0)
        lines.append(f"{count / requests:8.3f} {seconds / count * 1000:8.3f}  {kind}")
    return [*lines, ""]


def _by_layer(rows: list[Any], requests: int) -> list[str]:
    layers: Counter[str] = Counter()
    for name, _calls, own, _total in rows:
        layers[_layer(name)] += own
    lines = ["own time by layer, ms per request under cProfile"]
    lines += [f"{seconds / requests * 1000:8.3f}  {name}" for name, seconds in layers.most_common()]
    return [*lines, ""]


def _layer(name: str) -> str:
    for layer, prefixes in _LAYERS:
        if name.startswith(prefixes):
            return layer
    return "Python's library and built-in functions"


def _top(title: str, column: int, rows: list[Any], requests: int) -> list[str]:
    lines = [f"top {ROWS} by {title} time: own ms, cumulative ms, calls, per request"]
    for name, calls, own, total in sorted(rows, key=lambda row: -row[column])[:ROWS]:
        own_ms, total_ms = own / requests * 1000, total / requests * 1000
        lines.append(f"{own_ms:8.4f} {total_ms:8.4f} {calls:8.2f}  {name}")
    return [*lines, ""]
