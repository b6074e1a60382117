"""What PROTOCOL.md says of a session, told as the history of its tokens.

Written from the text and not from the code: a session is the list of the generations that were
ever current, and each knows when it was born or last repeated, whether anybody was seen to use
it, and whether it was given as a late answer. The state machine compares the real code with this.
Times are aware; lifetimes are those that the machine sets.
"""

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta

GRACE = timedelta(seconds=30)
RACE = timedelta(seconds=5)
LEEWAY = timedelta(seconds=30)
ACCESS = timedelta(minutes=5)
IDLE = timedelta(hours=6)
ABSOLUTE = timedelta(hours=24)


class Answer(enum.Enum):
    """What a refresh token gets."""

    KEPT = "the same token"
    NEW = "a new successor"
    SUCCESSOR = "the successor again"
    LATE = "the successor, late"
    SUPERSEDED = "superseded"
    THEFT = "theft"
    BEHIND = "the database is behind"


@dataclass(eq=False)
class Account:
    """A user: which password it is, and whether the account is active."""

    password: int = 0
    is_active: bool = True


@dataclass
class Generation:
    """One refresh token of a session."""

    number: int
    fresh_at: datetime
    was_late: bool = False


@dataclass(eq=False)
class ModelSession:
    """A session: the history of its tokens, and how it may end."""

    account: Account
    started_at: datetime
    history: list[Generation] = field(default_factory=list)
    seen: int = -1
    floor: int = 0
    ends_at: datetime = field(init=False)
    ended: str = ""
    proved_at: datetime = field(init=False)
    listed_at: datetime | None = None
    is_gone: bool = False
    password: int = 0

    def __post_init__(self) -> None:
        self.password, self.proved_at = self.account.password, self.started_at
        self.history.append(Generation(0, self.started_at))
        self._touch(self.started_at)

    @property
    def newest(self) -> Generation:
        """The current generation."""
        return self.history[-1]

    def end(self, now: datetime) -> str:
        """Return how it has ended; empty while it lives."""
        if self.ended:
            return self.ended
        if now >= self.ends_at:
            return "expired"
        is_theirs = self.account.is_active and self.account.password == self.password
        return "" if is_theirs else "account"

    def revoke(self, now: datetime, reason: str) -> bool:
        """End it, unless it has ended; one that expired a moment ago counts as living."""
        if self.is_gone or self.ended or now >= self.ends_at + LEEWAY:
            return False
        self.ended, self.listed_at = reason, now
        return True

    def judge(  # noqa: PLR0911 - one for each answer
        self, number: int, now: datetime, *, raced: bool = False
    ) -> Answer:
        """Say what a token of a living session gets, and change nothing."""
        age = now - self.newest.fresh_at
        if number > self.newest.number:
            return Answer.BEHIND
        if number == self.newest.number and raced:
            # Decided before a late answer began the grace again; the generation is what is named.
            return Answer.NEW
        if number == self.newest.number:
            return Answer.KEPT if abs(age) < GRACE else Answer.NEW
        if number < self.floor:
            return Answer.SUPERSEDED
        if number < self.newest.number - 1:
            return Answer.THEFT
        if age <= GRACE or raced:
            return Answer.SUCCESSOR
        if self.seen >= self.newest.number:
            return Answer.THEFT
        if age <= RACE:
            return Answer.SUCCESSOR
        return Answer.LATE if self._lates_in_a_row() <= 4 else Answer.THEFT

    def refresh(self, number: int, now: datetime, *, raced: bool = False) -> tuple[str, int | None]:
        """Refresh; return ``tokens`` and their generation, or what is said instead."""
        if self.is_gone:
            return "invalid", None
        if reason := self.end(now):
            if reason == "account" and not self.ended:
                self.revoke(now, "account")
            return reason, None
        answer = self.judge(number, now, raced=raced)
        if answer is Answer.BEHIND:
            self.history.append(Generation(number, self.newest.fresh_at))
            self.seen = number
            answer = self.judge(number, now)
        if answer is Answer.SUPERSEDED:
            return "superseded", None
        if answer is Answer.THEFT:
            self.revoke(now, "reuse")
            return "reuse", None
        if answer is Answer.KEPT:
            self.use(number, now)
        elif answer is Answer.NEW:
            self.seen = number
            self.history.append(Generation(number + 1, now))
            self._touch(now)
        elif self.seen < self.newest.number:
            self.newest.fresh_at = now
        if answer is Answer.LATE:
            self.newest.was_late = True
            self._touch(now)
        return "tokens", self.newest.number

    def use(self, number: int, now: datetime) -> bool:
        """An access token is used; return whether it is accepted."""
        if self.is_gone or self.end(now) or not self.floor <= number <= self.newest.number:
            return False
        if self.seen < number:
            self.seen = number
            self._touch(now)
        return True

    def prove(self, now: datetime) -> int:
        """The password was entered again in a living session; return the new generation."""
        at_floor = self.newest.number == self.floor > 0
        if not (at_floor and abs(now - self.proved_at) < GRACE):
            self.jump(now)
            self.proved_at = now
        return self.newest.number

    def jump(self, now: datetime) -> None:
        """Leave all that was issued before behind."""
        self.floor = self.newest.number + 2
        self.history.append(Generation(self.floor, now))
        self.listed_at = now
        self._touch(now)

    def prune(self, now: datetime) -> None:
        """Forget it, if its absolute end has passed and no list wants it."""
        listed = self.listed_at is not None and self.listed_at >= now - LEEWAY - 2 * ACCESS
        self.is_gone |= now > self.started_at + ABSOLUTE + LEEWAY and not listed

    def _touch(self, now: datetime) -> None:
        self.ends_at = min(now + IDLE, self.started_at + ABSOLUTE)

    def _lates_in_a_row(self) -> int:
        """How many generations in a row would have needed a late answer, the newest included."""
        late = {generation.number for generation in self.history if generation.was_late}
        count, number = 1, self.newest.number - 1
        while number in late:
            count, number = count + 1, number - 1
        return count
