"""One project in one process: does what it is told on standard input, a JSON object per line."""

from __future__ import annotations

import cProfile
import gc
import json
import os
import pstats
import sys
import time
from collections import Counter, defaultdict
from typing import Any

import django
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.clients import SESSIONS, Client, Refresh, Wsgi, client_for
from benchmarks.projects import CANDIDATES, PASSWORD, PROJECTS
from benchmarks.statements import kind_of

__all__ = ["Worker", "main"]


class Worker:
    """The clients of one project, made when they are first needed."""

    def __init__(self, name: str) -> None:
        self.name, self.project, self.wsgi = name, PROJECTS[name], Wsgi()
        self.clients: dict[tuple[str, str], Client] = {}

    def client(self, case: str, candidate: str) -> Client:
        """Return the client of one case at one candidate."""
        key = (case, candidate)
        if key not in self.clients:
            entry = CANDIDATES[case][candidate]
            self.clients[key] = client_for(case, entry, self.project, self.wsgi)
        return self.clients[key]

    def prepare(self, requests: int) -> dict[str, Any]:
        """Make every client of this project, and have each make some requests."""
        for case, candidates in CANDIDATES.items():
            for name, candidate in candidates.items():
                if candidate.project == self.name:
                    client = self.client(case, name)
                    for _ in range(requests):
                        client.request()
        gc.collect()
        gc.freeze()
        return {}

    def run(self, case: str, candidate: str, lead: int, requests: int) -> dict[str, Any]:
        """Make requests; return the seconds that they took, on the wall and of this process.

        Args:
            case: which.
            candidate: at which.
            lead: how many more to make first, of which the time is not taken.
            requests: how many.
        """
        request = self.client(case, candidate).request
        gc.collect()
        for _ in range(lead):
            request()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(requests):
            request()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return {"wall": wall, "cpu": cpu}

    def statements(self, case: str, candidate: str, requests: int) -> dict[str, Any]:
        """Make requests; return how often each kind of statement was sent, and its seconds."""
        client = self.client(case, candidate)
        before = client.rotations if isinstance(client, Refresh) else 0
        seconds: dict[str, float] = defaultdict(float)

        def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
            start = time.perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                seconds[kind_of(sql)] += time.perf_counter() - start

        with CaptureQueriesContext(connection) as queries, connection.execute_wrapper(timed):
            for _ in range(requests):
                client.request()
        counts = Counter(kind_of(query["sql"]) for query in queries.captured_queries)
        rotations = client.rotations - before if isinstance(client, Refresh) else 0
        return {"counts": counts, "seconds": seconds, "rotations": rotations}

    def profile(self, case: str, candidate: str, requests: int) -> dict[str, Any]:
        """Make requests under cProfile; return its rows: name, calls, own and total seconds."""
        client = self.client(case, candidate)
        profiler = cProfile.Profile()
        profiler.enable()
        for _ in range(requests):
            client.request()
        profiler.disable()
        stats = pstats.Stats(profiler)
        rows = []
        for (path, line, function), (_, calls, own, total, _callers) in stats.stats.items():  # type: ignore[attr-defined]
            rows.append([_short(path, line, function), calls / requests, own, total])
        return {"rows": rows, "seconds": stats.total_tt}  # type: ignore[attr-defined]


def _short(path: str, line: int, function: str) -> str:
    if path == "~":
        return function
    for marker in ("site-packages/", "/lib/python"):
        if marker in path:
            path = path.rpartition(marker)[2]
            break
    else:
        path = os.path.relpath(path)
    return f"{path}:{line} {function}"


def _make_users() -> None:
    model = get_user_model()
    password = make_password(PASSWORD)
    names = [
        f"{kind}{number}" for kind in ("api", "refresh", "login") for number in range(SESSIONS)
    ]
    manager = model._default_manager
    manager.bulk_create([model(username=name, password=password) for name in names])


def main() -> None:
    """Make the tables, then obey until standard input ends."""
    # What a package prints must not end up among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    if "BENCHMARK_CPU" in os.environ:
        os.sched_setaffinity(0, {int(os.environ["BENCHMARK_CPU"])})
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    _make_users()
    worker = Worker(os.environ["BENCHMARK_PROJECT"])
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(getattr(worker, order.pop("do"))(**order)), file=answers, flush=True)


if __name__ == "__main__":
    main()
