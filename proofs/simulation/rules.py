"""The rules that are compared, behind one interface; ours decides by the real function.

The others are small models of what is in use elsewhere:

*   ``strict``: one use each; the second, by whomever, ends the session (RFC 9700, section 4.14.2,
    without any grace).
*   ``401 only``: as djangorestframework-simplejwt with its blacklist. It reads the blacklist, then
    writes: two at once both get a successor. A second use gets a 401 and ends nothing.
*   ``fresh``: each use of a token within the window after its first use makes another successor
    (the leeway of Auth0 and Okta, the graceful rotation of Ory Hydra); after it, reuse.
*   ``last two``: the current token rotates, its predecessor always gets the current one, anything
    older is reuse (Supabase's counter, without its interval).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from proofs.simulation.requests import ENDED, Answer, Request
from tokenauth import protocol
from tokenauth.protocol import Decision, Snapshot, Verdict

__all__ = ["RULES", "Fresh", "LastTwo", "Ours", "Row", "Rule", "Strict", "UnauthorizedOnly"]

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    """Return simulated seconds as the kind of time that the decision takes."""
    return EPOCH + timedelta(seconds=seconds)


class Row:
    """What a server knows of a session, of whichever rule; the names are those of the model.

    Attributes:
        used: by token, when it was first exchanged: the rules that keep a row per token.
        issued: how many tokens there are: as above.
        ended: when the session was ended for reuse, in seconds; ``None`` while it lives.
        why: what kind of reuse that was.
        late_answers, moves: how many late answers it gave, and how often the rotating side
            changed: what an admin can see in the history.
        rotated_by_thief: who rotated last.
        successors: by token, the one it was exchanged for.
        forked: a token was exchanged for two different ones.
    """

    __slots__ = (
        *("generation", "confirmed_generation", "rotated_at", "late_generation", "late_run"),
        *("grace_count", "used", "issued", "ended", "why"),
        *("late_answers", "moves", "rotated_by_thief", "successors", "forked"),
    )

    def __init__(self, now: float) -> None:
        self.generation = self.confirmed_generation = 0
        self.rotated_at = moment(now)
        self.late_generation = self.late_run = self.grace_count = 0
        self.used: dict[int, float] = {}
        self.issued = 0
        self.ended: float | None = None
        self.why = ""
        self.late_answers = self.moves = 0
        self.rotated_by_thief = False
        self.successors: dict[int, int] = {}
        self.forked = False

    def snapshot(self) -> Snapshot:
        """Return what the real decision depends on."""
        return Snapshot(
            self.generation,
            self.confirmed_generation,
            0,
            self.rotated_at,
            self.late_generation,
            self.late_run,
        )

    def end(self, now: float, why: str) -> None:
        """End the session, once."""
        if self.ended is None:
            self.ended, self.why = now, why

    def rotated(self, by_thief: bool) -> None:  # noqa: FBT001  # a fact, not a mode
        """Note who has just rotated it."""
        if by_thief != self.rotated_by_thief:
            self.moves += 1
            self.rotated_by_thief = by_thief


class Rule(Protocol):
    """How a server treats a refresh token: a read, then a guarded write."""

    name: str

    def read(self, row: Row, request: Request) -> Any:
        """Return a plan, or at once the :class:`Answer` if nothing is to be written."""

    def write(self, row: Row, request: Request, plan: Any, stamp: float, now: float) -> Any:
        """Carry out a plan.

        Args:
            row: the session's.
            request: what is served.
            plan: what :meth:`read` returned.
            stamp: the host's time when it sent the write.
            now: when the write took place: it may have waited for a lock.

        Returns:
            The :class:`Answer`, or ``None`` if the row has changed since it was read.
        """

    def confirm(self, row: Row, generation: int) -> None:
        """Take notice of the first use of an access token."""


class Ours:
    """:func:`tokenauth.protocol.decide`, and the writes of :mod:`tokenauth.rotation`.

    Args:
        grace: in seconds.
    """

    def __init__(self, grace: float) -> None:
        self.name = f"ours, grace {grace:.0f} s"
        self.grace = timedelta(seconds=grace)

    def read(self, row: Row, request: Request) -> Any:
        """Decide on a snapshot, as ``rotation._decide`` does."""
        seen, presented = row.snapshot(), request.token[1]
        now = moment(request.arrived)
        if request.raced and presented == seen.generation - 1:
            now = min(now, seen.rotated_at)
        decision = protocol.decide(seen, presented, now, self.grace)
        if decision.verdict is Verdict.ROTATE:
            request.raced = True
        if decision.verdict is Verdict.KEEP and not decision.confirms:
            return Answer(200, None, seen.generation)
        return seen, decision

    def write(self, row: Row, request: Request, plan: Any, stamp: float, now: float) -> Any:
        """Carry it out, as ``rotation._carry_out`` does, under the same guards."""
        seen: Snapshot = plan[0]
        decision: Decision = plan[1]
        presented, verdict = request.token[1], decision.verdict
        if verdict is Verdict.KEEP:
            self.confirm(row, presented)
            return Answer(200, None, seen.generation)
        if verdict is Verdict.REUSE:
            row.end(now, _kind_of_reuse(seen, presented))
            return ENDED
        if row.generation != seen.generation:
            return None
        if verdict is Verdict.ROTATE:
            row.confirmed_generation = row.generation
            row.generation += 1
            row.rotated_at = moment(stamp)
            row.rotated(request.client.is_thief)
            return Answer(200, row.generation, row.generation)
        return self._repeat(row, seen, decision, stamp)

    def _repeat(self, row: Row, seen: Snapshot, decision: Decision, stamp: float) -> Any:
        assert decision.verdict in {Verdict.REPEAT, Verdict.LATE}, decision
        late = decision.verdict is Verdict.LATE
        if decision.restarts_grace and row.confirmed_generation >= row.generation:
            return None
        if late and row.late_generation != seen.late_generation:
            return None
        row.grace_count += 1
        if decision.restarts_grace:
            row.rotated_at = moment(stamp)
        if late:
            row.late_answers += 1
            row.late_generation, row.late_run = row.generation, decision.late_run
        return Answer(200, row.generation, row.generation)

    def confirm(self, row: Row, generation: int) -> None:
        """See ``rotation.confirm``."""
        if row.ended is None and row.confirmed_generation < generation <= row.generation:
            row.confirmed_generation = generation


def _kind_of_reuse(seen: Snapshot, presented: int) -> str:
    if presented < seen.generation - 1:
        return "older than the predecessor"
    return "successor used" if seen.is_confirmed else "too many late answers"


class Strict:
    """A token can be used once; whoever comes second ends the session."""

    name = "strict, reuse ends the session"

    def read(self, row: Row, request: Request) -> Any:
        """Plan to exchange the token that was current when read, or to end the session."""
        return row.generation == request.token[1]

    def write(self, row: Row, request: Request, plan: Any, stamp: float, now: float) -> Any:
        """Compare and swap."""
        if plan and row.generation != request.token[1]:
            return None
        if not plan:
            row.end(now, "second use")
            return ENDED
        row.generation += 1
        row.rotated(request.client.is_thief)
        return Answer(200, row.generation)

    def confirm(self, row: Row, generation: int) -> None:
        """Nothing depends on it."""


class UnauthorizedOnly:
    """A used token gets a 401, which ends nothing; the check is not guarded by the write."""

    name = "strict, 401 only"

    def read(self, row: Row, request: Request) -> Any:
        """Look the token up in the blacklist."""
        return ENDED if request.token[1] in row.used else True

    def write(self, row: Row, request: Request, plan: Any, stamp: float, now: float) -> Any:
        """Blacklist it and issue another, whoever did so meanwhile."""
        row.used[request.token[1]] = now
        row.issued += 1
        row.rotated(request.client.is_thief)
        return Answer(200, row.issued)

    def confirm(self, row: Row, generation: int) -> None:
        """Nothing depends on it."""


class Fresh:
    """Each use within a window after the first one makes another successor.

    Args:
        window: in seconds.
    """

    def __init__(self, window: float = 30.0) -> None:
        self.name = f"fresh successors for {window:.0f} s"
        self.window = window

    def read(self, row: Row, request: Request) -> Any:
        """See whether the token was used, and how long ago."""
        used = row.used.get(request.token[1])
        return used is None or request.arrived - used <= self.window

    def write(self, row: Row, request: Request, plan: Any, stamp: float, now: float) -> Any:
        """Issue another token, or end the family."""
        if not plan:
            row.end(now, "second use")
            return ENDED
        row.used.setdefault(request.token[1], stamp)
        row.issued += 1
        row.rotated(request.client.is_thief)
        return Answer(200, row.issued)

    def confirm(self, row: Row, generation: int) -> None:
        """Nothing depends on it."""


class LastTwo:
    """The predecessor always gets the current token; anything older ends the session."""

    name = "last two always accepted"

    def read(self, row: Row, request: Request) -> Any:
        """See how old the token is."""
        age = row.generation - request.token[1]
        return Answer(200, row.generation) if age == 1 else age

    def write(self, row: Row, request: Request, plan: Any, stamp: float, now: float) -> Any:
        """Compare and swap."""
        if plan:
            row.end(now, "older than the predecessor")
            return ENDED
        if row.generation != request.token[1]:
            return None
        row.generation += 1
        row.rotated(request.client.is_thief)
        return Answer(200, row.generation)

    def confirm(self, row: Row, generation: int) -> None:
        """Nothing depends on it."""


RULES: dict[str, Rule] = {
    **{f"ours {grace}": Ours(grace) for grace in (0, 10, 30, 60)},
    "strict": Strict(),
    "401 only": UnauthorizedOnly(),
    "fresh": Fresh(),
    "last two": LastTwo(),
}
"""The rules by their short names."""
