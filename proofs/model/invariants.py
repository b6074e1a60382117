"""What must hold after every statement, whatever came before."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.model.parts import Scenario, Step
from proofs.model.programs import LEEWAY
from proofs.model.state import Delete, Outcome, Row, Select, Update, World

__all__ = ["check"]


def check(scenario: Scenario, before: World, step: Step, after: World) -> Iterator[str]:
    """Yield each invariant that a step breaks.

    Args:
        scenario: who meets whom.
        before: the world before the statement.
        step: the statement, by whom, and what came of it.
        after: the world after it.
    """
    if before.row != after.row:
        yield from _row_changed(scenario, step, before, after)
    if isinstance(step.statement, Update) and step.result == 1:
        yield from _written(step, before)
    if step.outcome is not None:
        yield from _outcome(scenario, step, step.outcome, after)


def _row_changed(scenario: Scenario, step: Step, before: World, after: World) -> Iterator[str]:
    old, new = before.row, after.row
    if old is None:
        yield "a row that was removed came back"
        return
    if new is None:
        if not isinstance(step.statement, Delete) or before.now < old.absolute_expires_at:
            yield "a session was removed whose tokens may still be presented"
        return
    for name in ("generation", "confirmed_generation", "floor"):
        if getattr(new, name) < getattr(old, name):
            yield f"{name} went back"
    if new.confirmed_generation > new.generation:
        yield "a generation was confirmed that the row does not have"
    if new.floor > new.generation:
        yield "the floor is above the generation"
    if old.revoked_at is not None:
        yield "a revoked row was written to"
    yield from _moved_in_time(scenario, step, old, new)
    moves = ("generation", "confirmed_generation", "expires_at")
    if old.end_recorded_at is not None and any(getattr(new, n) != getattr(old, n) for n in moves):
        yield "a session came back whose end had been recorded"


def _written(step: Step, before: World) -> Iterator[str]:
    """Look at a write when it is sent: its transaction may commit later."""
    old: Row | None = before.row
    if before.row_lock is not None and before.row_lock.owner == step.actor:
        old = before.row_lock.value
    assert isinstance(step.statement, Update)
    records_an_end = step.statement.label in {"expired", "account"}
    if records_an_end and old is not None and old.end_recorded_at is not None:
        yield "an end was recorded twice"


def _moved_in_time(scenario: Scenario, step: Step, old: Row, new: Row) -> Iterator[str]:
    used_at = new.expires_at - scenario.rules.idle
    if used_at >= old.expires_at:
        yield "a session was used after its end, and lives on"
    restarts = isinstance(step.statement, Update) and step.statement.label in {"repeat", "late"}
    is_used = old.confirmed_generation >= old.generation
    if restarts and is_used and new.rotated_at != old.rotated_at:
        yield "the grace of a generation in use began again"
    is_revoked = new.revoked_at is not None and old.revoked_at is None
    if is_revoked and old.expires_at <= (new.revoked_at or 0) - LEEWAY:
        yield "an expired session was revoked"


def _outcome(scenario: Scenario, step: Step, outcome: Outcome, after: World) -> Iterator[str]:
    match outcome.kind:
        case "tokens" | "accepted":
            yield from _answered(step, outcome, after)
        case "revoked":
            row, now = after.row, after.now + scenario.actors[step.actor].skew
            if row is not None and row.revoked_at is None and row.expires_at > now:
                yield "an end was reported that is not in the row"
        case "ended" if outcome.reason == "reuse":
            yield from _called_a_thief(scenario, outcome, after)
    if scenario.honest and outcome.kind == "invalid":
        yield "an honest client's token was called a forgery"


def _answered(step: Step, outcome: Outcome, after: World) -> Iterator[str]:
    presented, given, begin = outcome.presented, outcome.given, step.begin
    if begin.is_over:
        yield "an ended session was answered"
    if begin.is_outdated or (presented is not None and presented < begin.floor):
        yield "a token from before a step-up was honoured"
    if begin.is_replay:
        yield "a replayed token was answered"
    if given is None:
        return
    if presented is not None and given != presented + outcome.refresh:
        yield "a token has two successors"
    yield from _current(step, given, after)


def _current(step: Step, given: int, after: World) -> Iterator[str]:
    """What was given is of the current generation of a living session, when it is decided.

    A write decides when it is carried out; without one (KEEP), the read decided, and the
    recording of the use that may follow it decides nothing.
    """
    row = after.row
    if isinstance(step.statement, Update) and step.statement.label == "confirm":
        return
    if row is None or row.revoked_at is not None:
        if not isinstance(step.statement, Select):
            yield "tokens were given for a session that had ended"
        return
    if row.generation != given:
        yield "tokens were given of a generation that is not the current one"
    if given < row.floor:
        yield "tokens were given from before a step-up"


def _called_a_thief(scenario: Scenario, outcome: Outcome, after: World) -> Iterator[str]:
    if scenario.honest:
        yield "an honest client was called a thief"
    row = after.row
    if row is None:
        return
    if row.revoked_at is None:
        yield "reuse was reported, and the session lives"
    if outcome.raced and outcome.presented == row.generation - 1:
        yield "who lost the race to rotate was called a thief"
    if outcome.presented is not None and outcome.presented < row.floor:
        yield "a token from before a step-up raised the alarm"
