"""A scheduler that runs the real code one statement at a time, in an order that it is given.

Each actor has a thread and a connection of its own. It stops before each statement on a session
or a user, and before the end of a transaction that wrote one, until it is its turn; so between
two turns nobody touches the database. Statements on other tables, which no decision reads, run
with the statement before them.
"""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from queue import Queue
from typing import Any, NamedTuple

from django.db import connection

from proofs.model.programs import EPOCH

PATIENCE = 30
"""So many seconds an actor may take for one statement; longer is a deadlock."""

_TABLES = re.compile(r'"(tokenauth_authsession|auth_user)"')
_CONDITION = re.compile(r'(NOT \()?"?(\w+)"? (=|<|>=|>|IS NULL|IN) ?')


class Turn(NamedTuple):
    """What an actor did when it was its turn.

    Attributes:
        kind: ``SELECT``, ``UPDATE``, ``DELETE``, ``COMMIT``, ``ROLLBACK`` or ``arrival``.
        where: of an UPDATE, its conditions: column and operator, without keys.
        sets: of an UPDATE, the columns that it sets.
        rows: of an UPDATE, how many rows it counted.
    """

    kind: str
    where: frozenset[tuple[str, str]] = frozenset()
    sets: frozenset[str] = frozenset()
    rows: int | None = None


class Player:
    """A thread that plays one actor after another, each statement when it is told to."""

    def __init__(self) -> None:
        self._jobs: Queue[Any] = Queue()
        self._told: Queue[str] = Queue()
        self._did: Queue[Turn | None] = Queue()
        self._wrote = False
        self._pending: Turn | None = None
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self.result: Any = None

    def begin(self, action: Callable[[], Any], *, arrives: bool) -> None:
        """Start an actor; with ``arrives``, its arrival is a turn of its own."""
        self._jobs.put((action, arrives))
        assert self._did.get(timeout=PATIENCE) is None

    def turn(self) -> Turn:
        """Let the actor send its next statement, and return once it is about to send another."""
        self._told.put("go")
        done = self._did.get(timeout=PATIENCE)
        if isinstance(self.result, Unexpected):
            raise self.result.error
        assert done is not None
        return done

    def close(self) -> None:
        """End the thread, and close its connection."""
        self._told.put("stop")  # in case a failed test has left it waiting
        self._jobs.put(None)
        self._thread.join()

    def _live(self) -> None:
        real: Any = connection  # its methods are replaced while an actor plays
        commit, rollback = connection.commit, connection.rollback
        while (job := self._jobs.get()) is not None:
            action, arrives = job
            self._pending, self._wrote, self.result = None, False, None
            real.commit = lambda: self._end("COMMIT", commit)
            real.rollback = lambda: self._end("ROLLBACK", rollback)
            try:
                with connection.execute_wrapper(self._statement):
                    if arrives:
                        self._wait()
                        self._pending = Turn("arrival")
                    self.result = action()
            except Exception as error:  # noqa: BLE001 - it belongs to the test's thread
                self.result = Unexpected(error)
            real.commit, real.rollback = commit, rollback
            self._did.put(self._pending)
        connection.close()

    def _wait(self) -> None:
        """Say what has been done, and wait for the next turn."""
        self._did.put(self._pending)
        if self._told.get(timeout=PATIENCE) == "stop":
            raise AbandonedError

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        if not _TABLES.search(sql) or _spares_the_session(sql):
            return execute(sql, params, many, context)
        self._wait()
        result = execute(sql, params, many, context)
        self._pending = _describe(sql, context["cursor"])
        self._wrote |= connection.in_atomic_block and bool(self._pending.rows)
        return result

    def _end(self, kind: str, end: Callable[[], None]) -> None:
        if self._wrote:
            self._wait()
            self._pending = Turn(kind)
            self._wrote = False
        end()


class AbandonedError(Exception):
    """The test is over before the actor is."""


class Unexpected:
    """An error that ended an actor."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Stage:
    """The time, and the players.

    Args:
        players: how many.
    """

    def __init__(self, players: int) -> None:
        self.seconds = 0
        self.players = [Player() for _ in range(players)]

    def now(self) -> datetime:
        """Return the time, as ``tokenauth.system.now`` does."""
        return EPOCH + timedelta(seconds=self.seconds)

    def close(self) -> None:
        """Send everybody home."""
        for player in self.players:
            player.close()


def _spares_the_session(sql: str) -> bool:
    """Whether it is about the user's other sessions: there are none, and it names this one."""
    return sql.startswith("UPDATE") and 'NOT ("tokenauth_authsession"."id" = ' in sql


def _describe(sql: str, cursor: Any) -> Turn:
    if sql.startswith("SELECT"):
        return Turn("SELECT")
    if sql.startswith("WITH moved"):
        sql = sql.partition("(")[2].partition(" RETURNING")[0]
        # The rows are the answer, which the caller has yet to fetch.
        return _describe_update(sql, None)
    return _describe_update(sql, cursor.rowcount)


def _describe_update(sql: str, rows: int | None) -> Turn:
    changes, _, where = sql.partition(" WHERE ")
    kind, _, changes = changes.partition(" SET ")
    found = set()
    for negated, column, operator in _CONDITION.findall(where):
        if column not in {"id", "user_id"}:
            found.add((column, "!=" if negated else operator.lower()))
    sets = frozenset(re.findall(r'"(\w+)" = ', changes))
    return Turn(kind.split()[0], frozenset(found), sets, rows)
