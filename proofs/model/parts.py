"""What an exploration is given: actors, the kind of database, the network, and the scenario."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from proofs.model.programs import Program, Rules
from proofs.model.state import Begin, Jar, Outcome, Row, Statement

__all__ = ["Actor", "Call", "Database", "Mutant", "Network", "Scenario", "Step"]

Call: TypeAlias = tuple[Callable[..., Program], tuple[Any, ...]]
"""A program and its arguments, without the rules."""


class Actor(NamedTuple):
    """Somebody who does one thing after another.

    Attributes:
        name: for traces.
        calls: the requests it makes, in this order.
        skew: by how many seconds the clock of its host is ahead.
    """

    name: str
    calls: tuple[Call, ...]
    skew: int = 0


class Database(NamedTuple):
    """How a database behaves where databases differ.

    Attributes:
        refuses: any statement may raise instead of being carried out: serialisation failures,
            deadlocks and lock timeouts, as under REPEATABLE READ and SERIALIZABLE. Otherwise an
            UPDATE that lost a race counts 0 rows: READ COMMITTED.
        waits: an UPDATE waits for the row's lock even if the row it sees does not match its
            WHERE: SQLite and MariaDB. PostgreSQL then counts 0 at once.
        one_writer: a transaction that has written anything keeps all other writers waiting:
            SQLite.
    """

    refuses: bool = False
    waits: bool = False
    one_writer: bool = False


class Network(NamedTuple):
    """What bounds the requests of a browser's tabs, in seconds.

    Attributes:
        gives_up: so long a tab waits for its answer; what comes later is dropped.
        life: so long after it was sent, a request may still send statements.
        loses: whether an answer may be lost before that.
    """

    gives_up: int = 10
    life: int = 20
    loses: bool = True


class Scenario(NamedTuple):
    """Who meets whom.

    Attributes:
        name: for reports.
        actors: who.
        row: the session's row at the beginning.
        rules: the settings.
        honest: every client presents only what it was given: nobody may be called a thief.
        jar: what the browser holds at the beginning.
        network: what bounds its requests.
    """

    name: str
    actors: tuple[Actor, ...]
    row: Row
    rules: Rules = Rules()
    honest: bool = False
    jar: Jar = Jar(0, 0)
    network: Network = Network()

    @property
    def has_clock(self) -> bool:
        """Whether time passes."""
        return any(call[0].__name__ == "wait" for actor in self.actors for call in actor.calls)


class Mutant(NamedTuple):
    """A guard that is left out: the UPDATE or DELETE, and one condition of its WHERE."""

    label: str
    column: str
    operator: str

    def __str__(self) -> str:
        return f"{self.label}: without {self.column} {self.operator}"


class Step(NamedTuple):
    """One statement of one actor, and what came of it.

    Attributes:
        actor: its index.
        statement: what it sent.
        result: what it was told.
        outcome: what its request came to, if it is over with this statement.
        begin: what was true when that request began.
    """

    actor: int
    statement: Statement
    result: Any
    outcome: Outcome | None
    begin: Begin
