"""What each actor sends to the database, statement by statement, in the order of the real code.

A program is a generator: it yields statements, is told their results, and returns its outcome.
Each names the function that it follows; read them side by side. Statements that only write what
no decision reads (history, audit rows) are left out: they commute with everything. That the
statements are those of the real code, tests/test_model_replay.py shows by running it.

The decision itself is not modelled: it is :func:`tokenauth.protocol.decide`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from proofs.model.state import (
    Commit,
    Condition,
    Now,
    Outcome,
    Refused,
    Row,
    Select,
    Statement,
    Update,
    User,
)
from tokenauth import protocol
from tokenauth.protocol import Decision, Snapshot, Verdict

__all__ = [
    "ATTEMPTS",
    "EPOCH",
    "ISSUED",
    "LEEWAY",
    "LISTED",
    "TRY_AGAIN",
    "Program",
    "Rules",
    "decide",
    "end_of",
    "mark_revoked",
    "next_end",
    "rotate",
    "unmoved",
    "use",
]

ATTEMPTS = 3
LEEWAY = 30
EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
LISTED = 630
"""So many seconds a revocation is wanted by lists: two access lifetimes and the leeway."""

ISSUED = 2
"""The newest token that had been issued before any scenario began."""

TRY_AGAIN = Outcome("try_again")

Program: TypeAlias = Generator[Statement, Any, Outcome]


class Rules(NamedTuple):
    """What a project sets, and two rules that a mutant may break.

    Attributes:
        grace: the grace period in seconds.
        idle: the idle lifetime in seconds.
        jump: by how many generations a step-up and a change of password move the row.
        forgives_races: whether who lost the race to rotate is never late.
        dates_by_write: whether ``rotated_at`` is the time of the write, not of the arrival.
    """

    grace: int = 30
    idle: int = 1000
    jump: int = 2
    forgives_races: bool = True
    dates_by_write: bool = True


@functools.cache
def decide(row: Row, presented: int, now: int, grace: int) -> Decision:
    """Ask the real decision; the arguments in seconds."""
    snapshot = Snapshot(
        generation=row.generation,
        confirmed_generation=row.confirmed_generation,
        floor=row.floor,
        rotated_at=EPOCH + timedelta(seconds=row.rotated_at),
        late_generation=row.late_generation,
        late_run=row.late_run,
    )
    time = EPOCH + timedelta(seconds=now)
    return protocol.decide(snapshot, presented, time, timedelta(seconds=grace))


def end_of(row: Row, user: User, now: int) -> str:
    """Return how the session has ended, empty while it lives: ``accounts.end_of``."""
    if row.revoked_at is not None:
        return row.revoked_reason
    if now >= row.expires_at or row.end_recorded_at is not None:
        return "expired"
    return "" if user.is_active and user.password == row.auth_hash else "account"


def next_end(rules: Rules, row: Row, now: int) -> int:
    """Return when a session that is used now ends: ``issuing.next_end``."""
    return min(now + rules.idle, row.absolute_expires_at)


def unmoved(row: Row) -> tuple[Condition, ...]:
    """Return the guards of a decision: nothing has moved or ended the row since it was read."""
    return (
        ("generation", "=", row.generation),
        ("revoked_at", "is null", None),
        ("end_recorded_at", "is null", None),
    )


def rotate(rules: Rules, presented: int) -> Program:
    """Refresh: ``rotation.rotate``."""
    now: int = yield Now()
    raced = False
    for _ in range(ATTEMPTS):
        try:
            row, user = yield Select()
            if row is None:
                return Outcome("invalid", presented)
            if ended := end_of(row, user, now):
                yield from _record_end(row, user, ended, now)
                return Outcome("ended", presented, reason=ended)
            at = now
            if raced and rules.forgives_races and presented == row.generation - 1:
                at = min(now, row.rotated_at)
            decision = decide(row, presented, at, rules.grace)
            raced = raced or decision.verdict is Verdict.ROTATE
            outcome = yield from _carry_out(rules, decision, row, presented, now)
        except Refused:
            continue
        if outcome is not None:
            return outcome._replace(raced=raced)
    return TRY_AGAIN


def _carry_out(  # noqa: PLR0911 - one for each verdict
    rules: Rules, decision: Decision, row: Row, presented: int, now: int
) -> Generator[Statement, Any, Outcome | None]:
    match decision.verdict:
        case Verdict.KEEP:
            if decision.confirms:
                yield from _confirm(rules, row, presented, now)
            return Outcome("tokens", presented, presented)
        case Verdict.ROTATE:
            values = (
                ("generation", row.generation + 1),
                ("confirmed_generation", row.generation),
                ("rotated_at", (yield Now()) if rules.dates_by_write else now),
                ("expires_at", next_end(rules, row, now)),
            )
            if not (yield Update("rotate", unmoved(row), values)):
                return None
            return Outcome("tokens", presented, row.generation + 1, refresh=True)
        case Verdict.REPEAT | Verdict.LATE:
            return (yield from _repeat(rules, decision, row, presented, now))
        case Verdict.SUPERSEDED:
            return Outcome("superseded", presented)
        case Verdict.AHEAD:
            ahead = (("generation", presented), ("confirmed_generation", presented))
            yield Update("catch up", unmoved(row), ahead)
            return None
        case _:
            return (yield from _end_for_reuse(row, presented, now))


def _repeat(
    rules: Rules, decision: Decision, row: Row, presented: int, now: int
) -> Generator[Statement, Any, Outcome | None]:
    label, where = "repeat", unmoved(row)
    values: tuple[tuple[str, Any], ...] = ()
    if decision.restarts_grace:
        where = (*where, ("confirmed_generation", "<", row.generation))
        values = (("rotated_at", (yield Now()) if rules.dates_by_write else now),)
    if decision.verdict is Verdict.LATE:
        label, where = "late", (*where, ("late_generation", "=", row.late_generation))
        values = (
            *values,
            ("late_generation", row.generation),
            ("late_run", decision.late_run),
            ("expires_at", next_end(rules, row, now)),
        )
    if not (yield Update(label, where, values)):
        return None
    return Outcome("tokens", presented, row.generation, refresh=True)


def mark_revoked(label: str, now: int, reason: str, *guards: Condition) -> Update:
    """Return the UPDATE of ``revocation.mark_revoked``, with guards beside its own."""
    where = (*guards, ("revoked_at", "is null", None), ("expires_at", ">", now - LEEWAY))
    values = (
        ("revoked_at", now),
        ("revoked_reason", reason),
        ("end_recorded_at", now),
        ("listed_at", now),
    )
    return Update(label, where, values, commits=False)


def _end_for_reuse(row: Row, presented: int, now: int) -> Generator[Statement, Any, Outcome | None]:
    if not (yield mark_revoked("reuse", now, "reuse", ("floor", "=", row.floor))):
        return None
    yield Commit()
    return Outcome("ended", presented, reason="reuse")


def _record_end(row: Row, user: User, ended: str, now: int) -> Generator[Statement, Any, None]:
    if row.revoked_at is not None or row.end_recorded_at is not None:
        return
    first: Condition = ("end_recorded_at", "is null", None)
    if ended == "expired":
        where: tuple[Condition, ...] = (("revoked_at", "is null", None), first)
        found = yield Update("expired", where, (("end_recorded_at", now),), commits=False)
    else:
        reason = "password" if user.is_active else "deactivated"
        found = yield mark_revoked("account", now, reason, first)
    if found:
        yield Commit()


def _confirm(rules: Rules, row: Row, generation: int, now: int) -> Generator[Statement, Any, bool]:
    """Record the first use of a generation: ``rotation.confirm``."""
    where: tuple[Condition, ...] = (
        ("confirmed_generation", "<", generation),
        ("generation", ">=", generation),
        ("revoked_at", "is null", None),
        ("end_recorded_at", "is null", None),
        ("expires_at", ">", now),
    )
    values = (("confirmed_generation", generation), ("expires_at", next_end(rules, row, now)))
    return bool((yield Update("confirm", where, values)))


def use(rules: Rules, generation: int) -> Program:
    """An API request: ``access.verify_access_token``, then ``current.record_first_use``."""
    now: int = yield Now()
    try:
        row, user = yield Select()
    except Refused:
        return TRY_AGAIN
    if row is None or not row.floor <= generation <= row.generation or end_of(row, user, now):
        return Outcome("refused", generation)
    if row.confirmed_generation < generation:
        with contextlib.suppress(Refused):  # losing one is harmless: a later use records it
            yield from _confirm(rules, row, generation, (yield Now()))
    return Outcome("accepted", generation)
