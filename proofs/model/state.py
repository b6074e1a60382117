"""The rows, the statements that actors send, and what the database does with each.

Everything here is immutable and hashable: a state of the world is a key of the visited set.
Columns have the names of the real ones. Times are whole seconds since an arbitrary zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = [
    "REFUSED",
    "Begin",
    "Commit",
    "Condition",
    "Delete",
    "Deliver",
    "Jar",
    "Local",
    "Lock",
    "Now",
    "Outcome",
    "Refused",
    "Rollback",
    "Row",
    "Select",
    "Statement",
    "Take",
    "Tick",
    "Update",
    "User",
    "World",
    "matches",
]


class Row(NamedTuple):
    """What the session's row says, as far as any decision depends on it."""

    generation: int = 0
    confirmed_generation: int = -1
    floor: int = 0
    rotated_at: int = 0
    late_generation: int = 0
    late_run: int = 0
    expires_at: int = 0
    absolute_expires_at: int = 2000
    auth_time: int = -1000
    auth_hash: int = 0
    revoked_at: int | None = None
    revoked_reason: str = ""
    end_recorded_at: int | None = None
    listed_at: int | None = None


class User(NamedTuple):
    """What the user's row says: which password it is, and whether the account is active."""

    password: int = 0
    is_active: bool = True


class Lock(NamedTuple):
    """A row that an open transaction has written: who holds it, and what nobody else sees yet."""

    owner: int
    value: Any


class Jar(NamedTuple):
    """What the tabs of one browser share: the newest generation of each token they were given."""

    refresh: int
    access: int


class Begin(NamedTuple):
    """What was true when a request began, and what its answer may therefore not be.

    Attributes:
        sent_at: when a browser's tab sent it; 0 for others.
        is_over: whether the session had been revoked or removed, or its account changed.
        floor: the session's floor.
        is_outdated: whether a step-up has come since the token that it presents was issued.
        is_replay: whether the token that it presents was reuse already.
    """

    sent_at: int
    is_over: bool
    floor: int
    is_outdated: bool
    is_replay: bool


class Outcome(NamedTuple):
    """What an actor came to.

    Attributes:
        kind: of a refresh ``tokens``, ``ended``, ``superseded``, ``invalid``; of the use of an
            access token ``accepted``, ``refused``; of an end ``revoked``; of the others ``done``;
            of any ``try_again``.
        presented: the generation of the token that was presented, if any.
        given: the generation of the tokens given, if any.
        refresh: whether a refresh token was among them.
        reason: of an end.
        raced: whether it had been about to rotate, and somebody else was faster.
    """

    kind: str
    presented: int | None = None
    given: int | None = None
    refresh: bool = False
    reason: str = ""
    raced: bool = False

    def __str__(self) -> str:
        parts = [self.kind]
        if self.given is not None:
            parts.append(f"of generation {self.given}")
        if self.reason:
            parts.append(f"({self.reason})")
        return " ".join(parts)


class Local(NamedTuple):
    """Where one actor is.

    Attributes:
        request: which of its requests it is at.
        place: where it is in that request: the number of one history of results, which decide
            everything that it will do.
        begin: what was true when that request began.
    """

    request: int = 0
    place: int = 0
    begin: Begin | None = None


class World(NamedTuple):
    """One state: the time, the committed rows, the open transactions, and every actor."""

    now: int
    row: Row | None
    user: User
    row_lock: Lock | None
    user_lock: Lock | None
    jar: Jar
    actors: tuple[Local, ...]


class Refused(Exception):
    """Serialisation failure, deadlock or lock timeout: nothing of the transaction was written."""


REFUSED = "refused"
"""As a result: the statement raised :class:`Refused`."""

Condition: TypeAlias = tuple[str, Literal["=", "<", ">", ">=", "is null"], Any]
"""One part of a WHERE clause: column, operator, value."""


@dataclass(frozen=True, slots=True)
class Now:
    """The actor looks at the clock."""

    def __str__(self) -> str:
        return "looks at the clock"


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT of the session's row joined with its user's: one statement, one snapshot."""

    where: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return "SELECT session" + _where(self.where)


@dataclass(frozen=True, slots=True)
class Update:
    """A guarded UPDATE of one row.

    Attributes:
        label: which one, as the mutants name it.
        where: the guards, beside the id.
        values: what it sets.
        table: ``session`` or ``user``.
        commits: whether it is a transaction of its own (autocommit).
    """

    label: str
    where: tuple[Condition, ...]
    values: tuple[tuple[str, Any], ...]
    table: Literal["session", "user"] = "session"
    commits: bool = True

    def __str__(self) -> str:
        values = ", ".join(f"{name} = {value!r}" for name, value in self.values)
        changed = f"{self.table} SET {values}"
        return f"UPDATE {changed}{_where(self.where)}"


@dataclass(frozen=True, slots=True)
class Delete:
    """A guarded DELETE of the session's row, a transaction of its own."""

    label: str
    where: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"DELETE session{_where(self.where)}"


@dataclass(frozen=True, slots=True)
class Commit:
    """The end of a transaction."""

    def __str__(self) -> str:
        return "COMMIT"


@dataclass(frozen=True, slots=True)
class Rollback:
    """The end of a transaction that comes to nothing."""

    def __str__(self) -> str:
        return "ROLLBACK"


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes."""

    seconds: int

    def __str__(self) -> str:
        return f"{self.seconds} seconds pass"


@dataclass(frozen=True, slots=True)
class Take:
    """A tab takes a token out of the shared jar, and sends its request."""

    kind: Literal["refresh", "access"]

    def __str__(self) -> str:
        return f"sends the {self.kind} token of the jar"


@dataclass(frozen=True, slots=True)
class Deliver:
    """The answer reaches the tab, or is lost."""

    outcome: Outcome

    def __str__(self) -> str:
        return f"is answered: {self.outcome}"


Statement: TypeAlias = Now | Select | Update | Delete | Commit | Rollback | Tick | Take | Deliver


def matches(row: NamedTuple, where: tuple[Condition, ...]) -> bool:
    """Return whether a row meets every condition."""
    return all(_holds(getattr(row, column), operator, value) for column, operator, value in where)


def _holds(found: Any, operator: str, value: Any) -> bool:
    if operator == "is null":
        return found is None
    if found is None:
        return False
    match operator:
        case "=":
            return bool(found == value)
        case "<":
            return bool(found < value)
        case ">":
            return bool(found > value)
        case _:
            return bool(found >= value)


def _where(where: tuple[Condition, ...]) -> str:
    if not where:
        return ""
    parts = [
        f"{column} IS NULL" if operator == "is null" else f"{column} {operator} {value!r}"
        for column, operator, value in where
    ]
    return " WHERE " + " AND ".join(parts)
