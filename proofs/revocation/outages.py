"""The list while the database is away, is slow, or comes back; and forks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from functools import partial

from django.db import Error, connections

from proofs.revocation import revokers
from proofs.revocation.place import Place
from proofs.revocation.proxy import proxy
from proofs.revocation.report import WATCHED, Report, Table, judge
from proofs.revocation.servers import ROOT, Server
from proofs.revocation.visibility import LIMIT
from proofs.revocation.watch import Case, run, watch
from tokenauth.exceptions import TryAgain
from tokenauth.issuing import Tokens
from tokenauth.revocation_list import MAX_AGE

__all__ = ["away", "cut", "forks", "slow_network"]

THREADS = "gunicorn, 1 process of 8 threads"
PROCESSES = "gunicorn, 4 processes"
RECOVERY = 2.0
"""Seconds after the database is back in which every process must let people in again."""


def away(report: Report, place: Place) -> None:
    """Stop the database under a running server, for longer and for shorter than a list lasts."""
    header = (
        "server",
        "away for (s)",
        "let in without the database for (s)",
        "503 `try_again`",
        "other answers",
        "let in again after (s)",
        "revoked when it was back: last acceptance (s)",
    )
    table = report.add(Table("The database is away", header))
    for kind, persistent, seconds in (
        (PROCESSES, False, 14.0),
        (PROCESSES, True, 3.0),
        (THREADS, True, 14.0),
        (THREADS, True, 3.0),
    ):
        with place.serve(kind, lifetime=300.0, persistent=persistent) as server:
            row = _away(report, place, server, seconds)
        kept = ", connections kept" if persistent else ""
        table.rows.append((f"{kind}{kept}", *row))
        print(f"  {table.rows[-1]}", flush=True)


def _away(report: Report, place: Place, server: Server, seconds: float) -> tuple[object, ...]:
    living, ended = revokers.login(), revokers.login()
    _open_connections(server)
    cases = [Case("living", lambda: ("", print)), Case("ended", lambda: ("", print))]
    cases[0].token, cases[1].token = living.access, ended.access
    with watch(server) as watching:
        for case in cases:
            watching.add(case)
        time.sleep(1.5)
        stopped = time.monotonic()
        place.cluster.stop()
        connections.close_all()
        time.sleep(seconds)
        starting = time.monotonic()
        place.cluster.start()
        back = time.monotonic()
        committed = _revoke_at_once(ended)
        time.sleep(6)
        for case in cases:
            watching.remove(case)
    return _judge_away(report, server, cases, (stopped, starting, back, committed), seconds)


def _judge_away(
    report: Report,
    server: Server,
    cases: list[Case],
    times: tuple[float, float, float, float],
    seconds: float,
) -> tuple[object, ...]:
    stopped, starting, back, committed = times
    name = f"{server.kind.name}, database away for {seconds:.0f} s"
    answers = [answer for case in cases for answer in case.answers]
    out = [a for a in answers if stopped <= a.sent < starting]
    # What starting takes belongs to neither side: the database may answer before we know it does.
    without = max([a.sent - stopped for a in out if a.status == 200], default=0.0)
    busy = [a for a in answers if a.status == 503]
    odd = [a for a in answers if a.status not in {200, 401, 503}]
    report.require(not odd, f"{name}: {len(odd)} other answers, such as {odd[:2]}")
    report.require(
        all(a.code == "try_again" and a.retry_after for a in busy), f"{name}: a 503 without advice"
    )
    report.require(without <= MAX_AGE, f"{name}: let in {without:.2f} s after it went")
    enough = min(seconds, MAX_AGE) - 1.5
    report.require(without >= enough, f"{name}: let in for {without:.2f} s only")
    report.require(bool(busy) is (seconds > MAX_AGE), f"{name}: {len(busy)} answers 503")
    refused = [a.sent - back for a in cases[0].answers if a.status != 200 and a.sent >= back]
    again = max(refused, default=0.0)
    report.require(again <= RECOVERY, f"{name}: refused a living session {again:.2f} s after")
    late = [a.sent - committed for a in cases[1].answers if a.status == 200]
    last = max([0.0, *late])
    report.require(last <= LIMIT, f"{name}: let in {last:.2f} s after the commit")
    ends = [a.status for a in cases[1].answers if a.sent > committed + RECOVERY]
    report.require(bool(ends) and set(ends) == {401}, f"{name}: at the end {set(ends)}")
    return f"{seconds:.0f}", f"{without:.2f}", len(busy), len(odd), f"{again:.2f}", f"{last:.3f}"


def cut(report: Report, place: Place, count: int) -> None:
    """Cut every connection of a server that keeps them, as a restart does, and revoke at once."""
    table = report.add(Table("Connections that broke unnoticed", WATCHED))
    with place.serve(THREADS, lifetime=300.0, persistent=True) as server:

        def prepare() -> tuple[str, revokers.Act]:
            tokens = revokers.login()
            _open_connections(server)
            return tokens.access, lambda: _cut_and_revoke(place, tokens)

        cases = [Case("cut", prepare, 6.0) for _ in range(count)]
        for case in cases:
            run(server, [case], spacing=0.1, seed=6)
    judge(report, table, "all connections cut, then revoked", cases, limit=LIMIT, processes=1)


def _cut_and_revoke(place: Place, tokens: Tokens) -> None:
    place.cluster.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'server'"
    )
    revokers.revoke(tokens)()


def _open_connections(server: Server) -> None:
    """Have every thread write a first use, so that each has a connection that will break."""
    tokens = [revokers.login().access for _ in range(60)]

    def ask(token: str) -> None:
        server.get("/probe/", token)

    for _ in range(2):
        threads = [threading.Thread(target=ask, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _revoke_at_once(tokens: Tokens) -> float:
    """Revoke as soon as the database lets us; return when that was."""
    while True:
        try:
            revokers.revoke(tokens)()
        except (Error, TryAgain):
            connections.close_all()
        else:
            return time.monotonic()


def slow_network(report: Report, place: Place, count: int) -> None:
    """Revoke while every answer of the database is late, and while some never come."""
    table = report.add(Table("A slow network to the database (1 process of 8 threads)", WATCHED))
    for delay in (0.1, 0.4):
        with (
            proxy(place.cluster.port, delay) as network,
            place.serve(THREADS, lifetime=300.0, persistent=True, port=network.port) as server,
        ):
            _open_connections(server)
            cases = [Case("slow", partial(_plain_case)) for _ in range(count)]
            run(server, cases, spacing=0.25, seed=5)
        judge(report, table, f"answers {delay} s late", cases, limit=LIMIT, processes=1)


def _plain_case() -> tuple[str, revokers.Act]:
    tokens = revokers.login()
    return tokens.access, revokers.revoke(tokens)


def forks(report: Report, place: Place) -> None:
    """See what forked children do; see :mod:`proofs.revocation.forks`."""
    table = report.add(Table("Forks", ("fact", "seen")))
    environment = {
        **os.environ,
        "DATABASE_URL": place.cluster.url(),
        "DJANGO_SETTINGS_MODULE": "proofs.revocation.settings",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "proofs.revocation.forks"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    seen = json.loads(done.stdout)
    right = ["refused", "let in"]
    expected = {
        "before": "let in",
        "parent's list was young": True,
        "child of a parent with a young list": right,
        "parent was reading": True,
        "child of a parent that was reading": right,
    }
    for fact, wanted in expected.items():
        table.rows.append((fact, seen[fact]))
        report.require(seen[fact] == wanted, f"forks: {fact}: {seen[fact]}")
    print(f"  {table.rows}", flush=True)
