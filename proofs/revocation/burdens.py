"""What the list costs: time and memory by its length, and statements by request."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from proofs.revocation import revokers
from proofs.revocation.place import Place
from proofs.revocation.report import Report, Table
from proofs.revocation.servers import Server
from proofs.revocation.visibility import LIFETIME, LIMIT
from proofs.revocation.watch import Case, run
from tokenauth import sessions
from tokenauth.models import RevokedReason
from tokenauth.revocation_list import MAX_ENTRIES

__all__ = ["SIZES", "bulk", "statements"]

SIZES = (0, 100, 1_000, 10_000, 100_000)
SESSIONS = 10
MAX_STATEMENTS = 0.01


def bulk(report: Report, place: Place, sizes: tuple[int, ...]) -> None:
    """End so many sessions of one user at once; watch some of them, and what it costs."""
    header = (
        "sessions ended at once",
        "last acceptance after the commit, max of 10 (s)",
        "the revocation took (s)",
        "a reading before (ms, median)",
        "after: median",
        "after: max",
        "listed",
        "memory of a process before (MB)",
        "after",
        "grown by",
    )
    table = report.add(Table("A bulk end, by its size (gunicorn, 4 processes)", header))
    table.note = f"Above {MAX_ENTRIES} entries each process uses the session check."
    for size in sizes:
        with place.serve("gunicorn, 4 processes", lifetime=LIFETIME) as server:
            table.rows.append(_bulk(report, server, size))
        print(f"  {table.rows[-1]}", flush=True)


def _bulk(report: Report, server: Server, size: int) -> tuple[object, ...]:
    user, bystander = revokers.new_user(), revokers.login()
    watched = [revokers.login(user) for _ in range(min(10, size))]
    if size > len(watched):
        revokers.fill(user, size - len(watched))
    _keep_reading(server, bystander.access, 3.0)
    before = server.states()
    began = time.monotonic()
    done = threading.Event()
    took: list[float] = []

    def end_all() -> None:
        if took:
            done.wait()
            return
        took.append(0.0)
        began = time.monotonic()
        sessions.revoke_user_sessions(user, reason=RevokedReason.ADMIN)
        took[0] = time.monotonic() - began
        done.set()

    cases = [Case("bulk", partial(_nothing, t.access, end_all), 2.5) for t in watched]
    if cases:
        run(server, cases, spacing=0.001, seed=4)
    last = max([case.last_acceptance() for case in cases], default=0.0)
    refusing = {refusal.process for case in cases for refusal in case.refusals()}
    report.require(last <= LIMIT, f"bulk of {size}: let in {last:.3f} s after the commit")
    report.require(not cases or len(refusing) == 4, f"bulk of {size}: {len(refusing)} refused")
    statuses = _keep_reading(server, bystander.access, max(0.0, began + 14 - time.monotonic()))
    report.require(set(statuses) == {200}, f"bulk of {size}: a bystander got {Counter(statuses)}")
    after = server.states()
    report.require(set(after) == set(before), f"bulk of {size}: a worker died")
    is_full = size > MAX_ENTRIES
    report.require(
        all(state["is_full"] is is_full for state in after.values()),
        f"bulk of {size}: full is {[state['is_full'] for state in after.values()]}",
    )
    old = [ms for state in before.values() for ms in state["readings"][1:]]
    new = [
        ms for p, state in after.items() for ms in state["readings"][len(before[p]["readings"]) :]
    ]
    listed = sorted({state["listed"] for state in after.values()})
    memory = [(_mb(before[p]), _mb(after[p])) for p in before]
    return (
        size,
        f"{last:.3f}" if cases else "-",
        f"{took[0]:.2f}" if took else "-",
        f"{median(old):.1f}",
        f"{median(new):.1f}",
        f"{max(new):.1f}",
        ", ".join(map(str, listed)) + (" (full)" if is_full else ""),
        f"{max(m[0] for m in memory):.1f}",
        f"{max(m[1] for m in memory):.1f}",
        f"{max(b - a for a, b in memory):.1f}",
    )


def _nothing(token: str, act: Callable[[], object]) -> tuple[str, Callable[[], object]]:
    return token, act


def _mb(state: dict[str, Any]) -> float:
    return float(state["memory"]["resident"]) / 1024


def _keep_reading(server: Server, token: str, seconds: float) -> list[int]:
    """Ask for so long, so that every process keeps its list up to date; return the answers."""
    end = time.monotonic() + seconds
    statuses = [server.get("/probe/", token)[0]]
    while time.monotonic() < end:
        statuses.append(server.get("/probe/", token)[0])
        time.sleep(0.02)
    return statuses


def statements(report: Report, place: Place, requests: int) -> None:
    """Count what the database is asked while so many requests are served."""
    header = ("statement", "times", "per request")
    title = f"Statements of {requests} requests (gunicorn, 1 process of 8 threads)"
    table = report.add(Table(title, header))
    kind = "gunicorn, 1 process of 8 threads"
    with place.serve(kind, lifetime=300.0, persistent=True) as server:
        tokens = [revokers.login().access for _ in range(SESSIONS)]
        # Whatever starts a process and its threads' connections is not part of a request.
        _ask(server, revokers.login().access, 400)
        place.cluster.query("SELECT pg_stat_statements_reset()")
        began = time.monotonic()
        statuses = _ask_all(server, tokens, requests)
        took = time.monotonic() - began
        counted = _counted(place)
    every = sum(counted.values())
    for statement, times in counted.most_common():
        table.rows.append((statement, times, f"{times / requests:.5f}"))
    table.rows.append(("all", every, f"{every / requests:.5f}"))
    table.note = (
        f"{SESSIONS} sessions, {took:.1f} s, {requests / took:.0f} requests/s; connections are "
        "kept. Readings go by time, at most 2 in a second, and first uses by session and process."
    )
    print(f"  {table.rows} {table.note}", flush=True)
    report.require(set(statuses) == {200}, f"statements: answers {Counter(statuses)}")
    report.require(
        every <= MAX_STATEMENTS * requests, f"{every} statements for {requests} requests"
    )
    known = {"reading of the list", "first use of a generation", "connection set up"}
    report.require(set(counted) <= known, f"unnamed statements: {set(counted) - known}")
    report.require(counted["reading of the list"] > 0, "the list was not read")


def _counted(place: Place) -> Counter[str]:
    """Return how often each kind of statement ran; what is not a known kind by its own text."""
    kinds = (
        (
            r'SELECT .*"revoked_at" FROM "tokenauth_authsession" WHERE .*"listed_at" >',
            "reading of the list",
        ),
        (r'UPDATE "tokenauth_authsession" SET "confirmed_generation"', "first use of a generation"),
        (r"SELECT set_config|^SET ", "connection set up"),
    )
    counted: Counter[str] = Counter()
    for text, times in place.cluster.query("SELECT query, calls FROM pg_stat_statements"):
        if "pg_stat_statements" in text:
            continue
        named = (name for pattern, name in kinds if re.search(pattern, text))
        counted[next(named, str(text)[:90].replace("|", " "))] += times
    return counted


def _ask_all(server: Server, tokens: list[str], requests: int) -> list[int]:
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: statuses.extend(_ask(server, tokens[n % SESSIONS], requests // 4))
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    others = [server.get("/probe/", token)[0] for token in tokens[4:]]
    return statuses + others


def _ask(server: Server, token: str, requests: int) -> list[int]:
    """Ask on one connection that is kept; return the answers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    statuses = []
    for _ in range(requests):
        connection.request("GET", "/probe/", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses
