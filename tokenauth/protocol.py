"""The decision of the refresh protocol: a pure function, no rows, no clock, no keys.

A session's refresh tokens are numbered by generation. The row remembers the current generation,
whether anybody has used it yet (*confirmed*), and when it came to be (*rotated_at*). From that,
the presented generation and the time, :func:`decide` says what happens:

==================  ==========================================================================
presented           decision
==================  ==========================================================================
current             KEEP within the grace after the last rotation, otherwise ROTATE
below the floor     SUPERSEDED: from before a step-up; no alarm
predecessor         REPEAT, the same successor again, within the grace; after it a late answer,
                    if the successor was never used; otherwise REUSE
newer than current  AHEAD: the database has lost commits
anything older      REUSE: it was superseded and its successor was used
==================  ==========================================================================

Under a grace shorter than :data:`RACE`, a predecessor whose successor was never used is answered
for as long as that without counting as a late answer: it was under way beside the rotation.

The caller writes what was decided, and each write names the state that it was decided on: see
:mod:`tokenauth.rotation`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["MAX_LATE_RUN", "RACE", "Decision", "Snapshot", "Verdict", "decide"]

MAX_LATE_RUN = 4
"""So many generations in a row may need a late answer; one more is reuse.

A lost answer is rare; five in a row are a thief and a victim who take turns. The number is settled
by the simulation (docs/proofs/simulation.md): with three, a client that does not repeat a lost
request within the grace was logged out twice in 100,000 days at 5 % loss, and a thief was caught
no more often and hardly sooner.
"""

RACE = timedelta(seconds=5)
"""So long after a rotation, a request with the predecessor may have been under way beside it.

Requests wait for threads and locks, and the clocks of hosts differ by seconds. Under a shorter
grace such a request is answered as any late one, while the successor is unused, but it is not
counted as one: eight tabs that refresh at once, four times in a row, are no thief.
"""


class Verdict(enum.Enum):
    """What to do with an authentic refresh token."""

    KEEP = "keep"
    ROTATE = "rotate"
    REPEAT = "repeat"
    LATE = "late"
    SUPERSEDED = "superseded"
    AHEAD = "ahead"
    REUSE = "reuse"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a decision depends on, as read from the session's row.

    Attributes:
        generation: how often the session has been rotated.
        confirmed_generation: the newest generation that somebody is known to have used.
        floor: below it nothing is honoured, since a step-up.
        rotated_at: when the current generation came to be, or was last repeated unconfirmed.
        late_generation: the newest generation that was given as a late answer.
        late_run: how many generations in a row, up to that one, needed a late answer.
    """

    generation: int
    confirmed_generation: int
    floor: int
    rotated_at: datetime
    late_generation: int
    late_run: int

    @property
    def is_confirmed(self) -> bool:
        """Whether somebody has used the current generation."""
        return self.confirmed_generation >= self.generation


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and what to write with it.

    Attributes:
        verdict: what to do.
        confirms: the current generation has just been used for the first time.
        restarts_grace: the current generation is still unconfirmed, so the grace starts again.
        late_run: for LATE, the value to store.
    """

    verdict: Verdict
    confirms: bool = False
    restarts_grace: bool = False
    late_run: int = 0


def decide(session: Snapshot, presented: int, now: datetime, grace: timedelta) -> Decision:
    """Decide what an authentic refresh token of a living session gets.

    Args:
        session: the row as it was read.
        presented: the generation of the token.
        now: when the request arrived.
        grace: how long the predecessor is answered with the same successor, which is also the
            shortest time between two rotations.
    """
    current = session.generation
    if presented > current:
        return Decision(Verdict.AHEAD)
    if presented == current:
        return _decide_current(session, now, grace)
    if presented < session.floor:
        return Decision(Verdict.SUPERSEDED)
    if presented == current - 1:
        return _decide_predecessor(session, now, grace)
    return Decision(Verdict.REUSE)


def _decide_current(session: Snapshot, now: datetime, grace: timedelta) -> Decision:
    # The distance, not the age: a rotation dated in the future, by a host whose clock was wrong,
    # must not keep this session from rotating until that time has come.
    rested = abs(now - session.rotated_at) >= grace
    verdict = Verdict.ROTATE if rested else Verdict.KEEP
    return Decision(verdict, confirms=not session.is_confirmed)


def _decide_predecessor(session: Snapshot, now: datetime, grace: timedelta) -> Decision:
    age = now - session.rotated_at
    if age <= grace:
        return Decision(Verdict.REPEAT, restarts_grace=not session.is_confirmed)
    if session.is_confirmed:
        return Decision(Verdict.REUSE)
    if age <= RACE:
        return Decision(Verdict.REPEAT, restarts_grace=True)
    run = _late_run(session)
    if run > MAX_LATE_RUN:
        return Decision(Verdict.REUSE)
    return Decision(Verdict.LATE, restarts_grace=True, late_run=run)


def _late_run(session: Snapshot) -> int:
    if session.late_generation == session.generation:
        return session.late_run
    # A use that was seen in between does not reset the run: a thief whose access tokens are used
    # here, and a victim whose are used elsewhere, would never be caught.
    if session.late_generation == session.generation - 1:
        return session.late_run + 1
    return 1
