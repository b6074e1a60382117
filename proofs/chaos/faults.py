"""What goes wrong inside a worker: killed, cut off or stalled, before or after a statement.

A request may carry ``X-Chaos: <fault> <place> <number> <mark>``:

fault
    ``kill`` (SIGKILL to the own process), ``cut`` (the database ends the connection), or
    ``stall`` (half a second is lost).
place
    ``before`` or ``after`` the statement of that number, counted from 1. COMMIT and ROLLBACK
    count too. Or, with number 0: ``answered`` (the response is ready, nothing is sent), ``half``
    (half of it is sent) or ``sent`` (all of it is, and the connection still open).

Each fault that strikes is written to the file ``CHAOS_LOG`` before it does. Every response names
its statements in ``X-Chaos-Statements``. Nothing of this is in the product: a wrapper around the
WSGI application, and Django's ``execute_wrapper``.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["HEADER", "PLACES_OF_ANSWER", "STATEMENTS", "Plan", "install", "with_faults"]

HEADER = "X-Chaos"
STATEMENTS = "X-Chaos-Statements"
PLACES_OF_ANSWER = ("answered", "half", "sent")
STALL = 0.5
"""Seconds that a stalled request loses."""

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_here = threading.local()


@dataclass(slots=True)
class Plan:
    """What is to happen to one request, and what it has done so far.

    Attributes:
        fault: ``kill``, ``cut``, ``stall`` or nothing.
        place: where, as in the module's docstring.
        number: which statement, from 1; 0 for the places of the answer.
        mark: what names it in the record of faults, without a space.
        path: the request's.
        statements: what it has sent to the database, in short.
    """

    fault: str = ""
    place: str = ""
    number: int = 0
    mark: str = "-"
    path: str = ""
    statements: list[str] = field(default_factory=list)

    def header(self) -> dict[str, str]:
        """Return the request header that asks for it."""
        text = f"{self.fault} {self.place} {self.number} {self.mark}"
        return {HEADER: text} if self.fault else {}

    def strike(self, place: str, number: int = 0) -> None:
        """Do it if this is the place."""
        if (self.place, self.number) != (place, number) or not self.fault:
            return
        fault, self.fault = self.fault, ""
        statement = self.statements[number - 1] if number else ""
        facts = {"fault": fault, "place": place, "statement": statement}
        _log({**facts, "mark": self.mark, "path": self.path})
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "cut":
            _cut_off()
        else:
            time.sleep(STALL)


def _log(facts: dict[str, str]) -> None:
    # One write of a short line to a file opened for appending is not torn by other workers'.
    file = os.open(os.environ["CHAOS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, json.dumps(facts).encode() + b"\n")
    os.close(file)


def _cut_off() -> None:
    """Have the database end this thread's connection, as an administrator or a failover does."""
    raw = connection.connection
    if raw is None or raw.closed:
        return
    name = "chaos-cutter"
    try:
        with psycopg.connect(raw.info.dsn, application_name=name, autocommit=True) as other:
            # Waits, at most so many milliseconds, until the process is gone.
            other.execute("SELECT pg_terminate_backend(%s, 2000)", [raw.info.backend_pid])
    except psycopg.Error:
        # The database is being restarted, which has cut it too. Ours, so not the view's to see.
        return


def _shorten(sql: str) -> str:
    words = re.sub(r"\s+", " ", sql).replace('"', "")
    verb = words.partition(" ")[0].upper()
    table = re.search(r"(?:FROM|INTO|UPDATE) ([a-z_]+)", words)
    return f"{verb} {table[1]}" if table else verb


def _around_statement(
    execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any
) -> Any:
    return _counted(_shorten(sql), lambda: execute(sql, params, many, context))


def _counted(name: str, action: Callable[[], Any]) -> Any:
    plan: Plan | None = getattr(_here, "plan", None)
    if plan is None:
        return action()
    plan.statements.append(name)
    number = len(plan.statements)
    plan.strike("before", number)
    result = action()
    plan.strike("after", number)
    return result


def install() -> None:
    """Make every statement of this process, and the end of every transaction, a place."""

    def around(name: str) -> None:
        original = getattr(BaseDatabaseWrapper, name)

        def end(self: BaseDatabaseWrapper) -> Any:
            # Without a connection there is nothing to end, and nothing was sent.
            if self.connection is None:
                return original(self)
            return _counted(name.strip("_").upper(), lambda: original(self))

        setattr(BaseDatabaseWrapper, name, end)

    around("_commit")
    around("_rollback")


def with_faults(application: Application) -> Application:
    """Wrap a WSGI application so that its requests meet what their header asks for."""

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        asked = environ.get("HTTP_X_CHAOS", "").split()
        plan = Plan(path=environ["PATH_INFO"])
        if len(asked) == 4:
            plan.fault, plan.place, plan.mark = asked[0], asked[1], asked[3]
            plan.number = int(asked[2])
        _here.plan = plan
        if _around_statement not in connection.execute_wrappers:
            connection.execute_wrappers.append(_around_statement)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            own = (STATEMENTS, ", ".join(plan.statements))
            return start_response(status, [*headers, own], *rest)

        return _Answer(application(environ, start), plan)

    return serve


class _Answer:
    """A response whose worker may die while it is sent."""

    def __init__(self, response: Iterable[bytes], plan: Plan) -> None:
        self._response, self._plan = response, plan

    def __iter__(self) -> Iterator[bytes]:
        body = b"".join(self._response)
        self._plan.strike("answered")
        middle = len(body) // 2
        yield body[:middle]
        self._plan.strike("half")
        yield body[middle:]

    def close(self) -> None:
        """Called once everything is sent; closes the response, and with it the connection."""
        self._plan.strike("sent")
        close = getattr(self._response, "close", None)
        if close is not None:
            close()
        _here.plan = None
