"""How long after the commit of a revocation anybody is still let in, for each server and check."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

from proofs.revocation import revokers
from proofs.revocation.place import Place
from proofs.revocation.report import WATCHED, Report, Table, judge
from proofs.revocation.revokers import Act
from proofs.revocation.servers import KINDS, Server
from proofs.revocation.watch import Case, run
from tokenauth.issuing import Tokens

__all__ = ["LIFETIME", "every_server", "list_cases", "new_processes", "stopped_process"]

LIMIT = 1.0
LIFETIME = 30.0
SHORT_LIFETIME = 4.0
"""Seconds that access tokens live where only their end ends them."""

WINDOW = 60.0
"""Seconds of the list's window at this lifetime: two lifetimes, at least a minute."""

FOUR = "gunicorn, 4 processes"
SERVERS = tuple(name for name in KINDS if name != "gunicorn, 1 process of 8 threads")


def every_server(report: Report, place: Place, count: int) -> None:
    """Watch plain revocations: half made by this process, half by a logout at the server."""
    limits = {"revocation-list": LIMIT, "session": 0.0, "signature": SHORT_LIFETIME}
    for check, limit in limits.items():
        is_blind = check == "signature"
        lifetime = SHORT_LIFETIME if is_blind else LIFETIME
        table = report.add(Table(f'`TOKENAUTH_ACCESS_TOKEN_CHECK = "{check}"`', WATCHED))
        if is_blind:
            table.note = f"Tokens of {lifetime:.0f} s, let in until they expire, never longer."
        for name in SERVERS:
            with place.serve(name, check=check, lifetime=lifetime) as server:
                tail = lifetime + 0.7 if is_blind else 1.8
                cases = [
                    Case("plain", _prepare(partial(_plain, server, number)), tail)
                    for number in range(count)
                ]
                run(server, cases, spacing=0.25, seed=1)
            judge(report, table, name, cases, limit=limit, processes=KINDS[name].processes)
            if is_blind:
                late = sum(_is_let_in_expired(case) for case in cases)
                report.require(not late, f"{name}: {late} tokens were let in after their end")


def list_cases(report: Report, place: Place, count: int) -> None:
    """Watch what is harder than a plain revocation, on four processes with the list."""
    kept: list[Tokens] = []
    makers: dict[str, tuple[Callable[[Tokens], Act], float, int]] = {
        "committed 10 s after its stamp": (partial(revokers.late, seconds=10.0), 1.8, count),
        "stamped 3 s in the past": (partial(revokers.shifted, seconds=-3.0), 1.8, count),
        "stamped 3 s in the future": (partial(revokers.shifted, seconds=3.0), 1.8, count),
        "deactivated by `save()`": (lambda t: revokers.deactivate(t.session.user), 1.8, count),
        "password changed by `save()`": (
            lambda t: revokers.change_password(t.session.user),
            1.8,
            count,
        ),
        "user deleted": (lambda t: revokers.delete_user(t.session.user), 1.8, count),
        "stamped so long ago that it leaves the window while the token lives": (
            partial(revokers.shifted, seconds=5 - WINDOW),
            LIFETIME - 3,
            3,
        ),
        f"floor raised by {revokers.JUMP}": (lambda t: revokers.jump(t, kept), 1.8, count),
    }
    table = report.add(Table("The list, and what is harder (4 processes)", WATCHED))
    with place.serve(FOUR, lifetime=LIFETIME) as server:
        cases = {
            name: [Case(name, _prepare(make), tail) for _ in range(number)]
            for name, (make, tail, number) in makers.items()
        }
        # Those that take long by themselves; those whose new tokens are tried afterwards.
        *others, long, floor = cases.values()
        every = [case for row in others for case in row]
        random.Random(2).shuffle(every)
        run(server, [*every, *floor], spacing=0.3, seed=2)
        _keep_going(report, server, kept)
        run(server, long, spacing=0.3, seed=3)
    for name, row in cases.items():
        judge(report, table, name, row, limit=LIMIT, processes=4)


def _keep_going(report: Report, server: Server, kept: list[Tokens]) -> None:
    """See that a token from after a step-up is good: the floor refuses older ones alone."""
    young = [t for t in kept if _end(t.access) > time.time() + 1]
    statuses = [server.get("/probe/", tokens.access)[0] for tokens in young for _ in range(2)]
    report.require(
        bool(statuses) and set(statuses) == {200}, f"tokens from after a step-up: {statuses}"
    )


def new_processes(report: Report, place: Place, count: int) -> None:
    """Kill a worker right after a commit; the one that takes its place must know at once."""
    header = ("case", "revocations", "new processes", "first verdicts that were right")
    table = report.add(Table("A process that starts after the revocation", header))
    firsts: list[int] = []
    with place.serve(FOUR, lifetime=LIFETIME) as server:
        for _ in range(count):
            tokens = revokers.login()
            known: set[int] = set()
            while len(known) < 4:
                status, process, _ = server.get("/probe/", tokens.access)
                report.require(status == 200, f"a living token was answered {status}")
                known.add(process)
            revokers.revoke(tokens)()
            os.kill(min(known), signal.SIGKILL)
            firsts.append(_first_of_a_new_one(server, tokens.access, known))
    right = sum(status == 401 for status in firsts)
    table.rows.append(("a worker killed, another one started", count, len(firsts), right))
    report.require(right == count, f"first verdicts of new processes: {firsts}")


def _first_of_a_new_one(server: Server, token: str, known: set[int]) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            status, process, _ = server.get("/probe/", token)
        except OSError:
            continue
        if process not in known:
            return status
    return 0


def stopped_process(report: Report, place: Place, count: int) -> None:
    """Revoke while the only worker stands still (SIGSTOP) for 3 s with a list read before."""
    title = "A process that stood still for 3 s meanwhile (gunicorn, 1 process)"
    table = report.add(Table(title, WATCHED))
    with place.serve("gunicorn, 1 process", lifetime=LIFETIME) as server:
        worker = next(iter(server.states()))

        def stopped(tokens: Tokens) -> Act:
            def act() -> None:
                os.kill(worker, signal.SIGSTOP)
                revokers.revoke(tokens)()
                threading.Timer(3.0, os.kill, (worker, signal.SIGCONT)).start()

            return act

        cases = [Case("stopped", _prepare(stopped), 5.0) for _ in range(count)]
        for case in cases:
            run(server, [case], spacing=0.1, seed=3)
    judge(report, table, "SIGSTOP, revoked, SIGCONT", cases, limit=LIMIT, processes=1)


def _plain(server: Server, number: int, tokens: Tokens) -> Act:
    return revokers.logout(server, tokens) if number % 2 else revokers.revoke(tokens)


def _prepare(make: Callable[[Tokens], Act]) -> Callable[[], tuple[str, Act]]:
    def prepare() -> tuple[str, Act]:
        tokens = revokers.login()
        return tokens.access, make(tokens)

    return prepare


def _is_let_in_expired(case: Case) -> bool:
    wall = time.time() - time.monotonic()
    end = _end(case.token) - wall
    return any(answer.status == 200 and answer.sent > end for answer in case.answers)


def _end(token: str) -> float:
    """Return ``exp`` of an access token, in seconds since 1970."""
    payload = token.split(".")[1]
    return float(json.loads(base64.urlsafe_b64decode(payload + "=="))["exp"])
