"""The decision, by a table and by properties."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tokenauth.protocol import MAX_LATE_RUN, RACE, Decision, Snapshot, Verdict, decide

GRACE = timedelta(seconds=30)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def snapshot(
    *,
    generation: int = 7,
    confirmed: int | None = None,
    floor: int = 0,
    age: timedelta = timedelta(hours=1),
    late_generation: int = 0,
    late_run: int = 0,
) -> Snapshot:
    """Return a session's state; confirmed, and rotated an hour ago, unless told otherwise."""
    return Snapshot(
        generation=generation,
        confirmed_generation=generation if confirmed is None else confirmed,
        floor=floor,
        rotated_at=NOW - age,
        late_generation=late_generation,
        late_run=late_run,
    )


UNUSED: dict[str, Any] = {"generation": 7, "confirmed": 6}
KEEP, ROTATE, REPEAT, LATE = Verdict.KEEP, Verdict.ROTATE, Verdict.REPEAT, Verdict.LATE

TABLE = {
    "current, rested": (snapshot(), 7, Decision(ROTATE)),
    "current, at the end of the grace": (snapshot(age=GRACE), 7, Decision(ROTATE)),
    "current, within the grace": (snapshot(age=GRACE - TICK), 7, Decision(KEEP)),
    "current, unused": (snapshot(**UNUSED, age=TICK), 7, Decision(KEEP, confirms=True)),
    "current, unused, rested": (snapshot(**UNUSED), 7, Decision(ROTATE, confirms=True)),
    "current, rotated just ahead of this clock": (snapshot(age=-TICK), 7, Decision(KEEP)),
    "current, rotated far in the future": (snapshot(age=-GRACE), 7, Decision(ROTATE)),
    "current, at the floor": (snapshot(floor=7), 7, Decision(ROTATE)),
    "first generation": (snapshot(generation=0), 0, Decision(ROTATE)),
    "ahead": (snapshot(), 8, Decision(Verdict.AHEAD)),
    "far ahead": (snapshot(floor=7), 10**9, Decision(Verdict.AHEAD)),
    "below the floor": (snapshot(floor=7), 6, Decision(Verdict.SUPERSEDED)),
    "below the floor, used, in the grace": (
        snapshot(floor=7, age=TICK),
        6,
        Decision(Verdict.SUPERSEDED),
    ),
    "at the floor, predecessor": (snapshot(floor=6, age=TICK), 6, Decision(REPEAT)),
    "at the floor, older": (snapshot(floor=5), 5, Decision(Verdict.REUSE)),
    "predecessor, at the end of the grace": (snapshot(age=GRACE), 6, Decision(REPEAT)),
    "predecessor, after the grace": (snapshot(age=GRACE + TICK), 6, Decision(Verdict.REUSE)),
    "predecessor, rotated in the future": (snapshot(age=-GRACE * 100), 6, Decision(REPEAT)),
    "predecessor, successor unused": (
        snapshot(**UNUSED, age=GRACE),
        6,
        Decision(REPEAT, restarts_grace=True),
    ),
    "late, the first": (snapshot(**UNUSED), 6, Decision(LATE, restarts_grace=True, late_run=1)),
    "late, a gap before": (
        snapshot(**UNUSED, late_generation=5, late_run=3),
        6,
        Decision(LATE, restarts_grace=True, late_run=1),
    ),
    "late, the fourth in a row": (
        snapshot(**UNUSED, late_generation=6, late_run=3),
        6,
        Decision(LATE, restarts_grace=True, late_run=4),
    ),
    "late, the fifth in a row": (
        snapshot(**UNUSED, late_generation=6, late_run=4),
        6,
        Decision(Verdict.REUSE),
    ),
    "late, the fourth, once more": (
        snapshot(**UNUSED, late_generation=7, late_run=4),
        6,
        Decision(LATE, restarts_grace=True, late_run=4),
    ),
    "second to last, in the grace": (snapshot(age=TICK), 5, Decision(Verdict.REUSE)),
    "second to last, unused": (snapshot(**UNUSED), 5, Decision(Verdict.REUSE)),
    "the first token, much later": (snapshot(), 0, Decision(Verdict.REUSE)),
}

WITHOUT_GRACE = {
    "every refresh rotates": (snapshot(age=timedelta(0)), 7, Decision(ROTATE)),
    "arrived before the rotation": (snapshot(age=-TICK), 6, Decision(REPEAT)),
    "arrived as it was rotated": (snapshot(age=timedelta(0)), 6, Decision(REPEAT)),
    "used since": (snapshot(age=TICK), 6, Decision(Verdict.REUSE)),
    "raced, the successor unused": (
        snapshot(**UNUSED, age=RACE, late_generation=6, late_run=4),
        6,
        Decision(REPEAT, restarts_grace=True),
    ),
    "too late for a race": (
        snapshot(**UNUSED, age=RACE + TICK, late_generation=6, late_run=4),
        6,
        Decision(Verdict.REUSE),
    ),
}


class TestTable:
    @pytest.mark.req("REQ-15", "REQ-17", "REQ-18", "REQ-19")
    @pytest.mark.parametrize(("session", "presented", "expected"), TABLE.values(), ids=TABLE)
    def test_grace(self, session: Snapshot, presented: int, expected: Decision):
        """Each state and token has exactly this decision, at a grace of 30 seconds."""
        assert decide(session, presented, NOW, GRACE) == expected

    @pytest.mark.parametrize(
        ("session", "presented", "expected"), WITHOUT_GRACE.values(), ids=WITHOUT_GRACE
    )
    def test_no_grace(self, session: Snapshot, presented: int, expected: Decision):
        """And this at a grace of zero."""
        assert decide(session, presented, NOW, timedelta(0)) == expected

    def test_a_seen_use_does_not_reset_the_run(self):
        """Two generations in a row that needed late answers are two, whatever was used between."""
        used_between = snapshot(**UNUSED, late_generation=6, late_run=1)

        assert decide(used_between, 6, NOW, GRACE).late_run == 2


graces = st.timedeltas(timedelta(0), timedelta(minutes=5))
ages = st.timedeltas(timedelta(days=-2), timedelta(days=40))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a state that the writes of the protocol can lead to."""
    generation = draw(st.integers(0, 2**31 - 2))
    near = st.integers(max(0, generation - 3), generation)
    return snapshot(
        generation=generation,
        confirmed=draw(near) - draw(st.integers(0, 1)),
        floor=draw(st.one_of(st.just(0), near)),
        age=draw(ages),
        late_generation=draw(st.one_of(st.just(0), near)),
        late_run=draw(st.integers(0, MAX_LATE_RUN)),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Snapshot, int]:
    """Draw a state, and a token of a generation near the current one or any other."""
    state = draw(snapshots())
    near = st.integers(max(0, state.generation - 3), state.generation + 2)
    return state, draw(st.one_of(near, st.integers(0, 2**32 - 1)))


class TestProperties:
    @given(cases(), graces)
    def test_no_fork(self, case: tuple[Snapshot, int], grace: timedelta):
        """Only the current token moves the session on; only its predecessor is answered beside."""
        session, presented = case
        verdict = decide(session, presented, NOW, grace).verdict

        assert (verdict in {KEEP, ROTATE}) == (presented == session.generation)
        assert (verdict is Verdict.AHEAD) == (presented > session.generation)
        if verdict in {REPEAT, LATE}:
            assert presented == session.generation - 1

    @given(cases(), graces)
    def test_floor(self, case: tuple[Snapshot, int], grace: timedelta):
        """Below the floor is superseded, and nothing else is."""
        session, presented = case
        assume(presented <= session.generation and session.floor <= session.generation)

        verdict = decide(session, presented, NOW, grace).verdict

        assert (verdict is Verdict.SUPERSEDED) == (presented < session.floor)

    @given(st.integers(1, 2**31), st.integers(0, 3), graces, ages)
    def test_what_was_used_is_not_answered_late(
        self, generation: int, late_run: int, grace: timedelta, later: timedelta
    ):
        """After the grace, a predecessor whose successor was used is reuse."""
        age = grace + abs(later) + TICK
        session = snapshot(generation=generation, age=age, late_run=late_run)

        assert decide(session, generation - 1, NOW, grace).verdict is Verdict.REUSE

    @given(cases(), graces)
    def test_writes(self, case: tuple[Snapshot, int], grace: timedelta):
        """Only an unused generation is confirmed or has its grace restarted; runs stop at four."""
        session, presented = case
        decision = decide(session, presented, NOW, grace)

        assert not (decision.confirms and session.is_confirmed)
        assert not (decision.restarts_grace and session.is_confirmed)
        assert decision.late_run <= MAX_LATE_RUN
        assert (decision.late_run > 0) <= (decision.verdict is LATE)

    @given(snapshots(), graces, ages)
    def test_a_clock_ahead_heals(self, session: Snapshot, grace: timedelta, ahead: timedelta):
        """However far in the future a rotation is dated, the current token is honoured."""
        future = replace(session, rotated_at=NOW + abs(ahead))

        verdict = decide(future, session.generation, NOW, grace).verdict

        assert verdict is (ROTATE if abs(ahead) >= grace else KEEP)


def carry_out(state: Snapshot, decision: Decision, now: datetime) -> Snapshot:
    """Write a decision as tokenauth.rotation does."""
    if decision.verdict is ROTATE:
        return replace(
            state,
            generation=state.generation + 1,
            confirmed_generation=state.generation,
            rotated_at=now,
        )
    if decision.confirms:
        state = replace(state, confirmed_generation=state.generation)
    if decision.restarts_grace:
        state = replace(state, rotated_at=now)
    if decision.verdict is LATE:
        state = replace(state, late_generation=state.generation, late_run=decision.late_run)
    return state


class TestHonestClient:
    @pytest.mark.req("REQ-14", "REQ-18")
    @given(
        st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(days=1)), st.booleans())), graces
    )
    def test_lost_answers(self, requests: list[tuple[timedelta, bool]], grace: timedelta):
        """Whoever always sends the newest token received, is answered, whatever gets lost.

        Until five generations in a row would have needed a late answer; an answer that arrives late
        is used at once, as its receiver does.
        """
        state, held, now, run = snapshot(generation=0, confirmed=-1, age=timedelta(0)), 0, NOW, 0
        for pause, arrives in requests:
            now += pause
            decision = decide(state, held, now, grace)
            if decision.verdict is Verdict.REUSE:
                assert state.late_run == MAX_LATE_RUN
                return
            assert decision.verdict in {KEEP, ROTATE, REPEAT, LATE}
            before, state = state, carry_out(state, decision, now)
            assert state.generation - before.generation in {0, 1}
            run = max(run, state.late_run)
            if arrives:
                held = state.generation
            assert held >= state.generation - 1
        assert run <= MAX_LATE_RUN
