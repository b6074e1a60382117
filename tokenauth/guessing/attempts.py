"""One attempt to log in: whether it is looked at, and what its outcome changes.

Three counters delay whoever comes from an unknown place: ``pair`` (one account at one address),
``account`` (from all unknown places) and ``address`` (at all accounts). A *known* place is exempt
from the last two, so that its owner gets in while the account is under attack: a browser with a
device cookie or a session of the account, which has a counter of its own, and an address from
which the account has logged in within 30 days, where ``pair`` counts alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tokenauth import system
from tokenauth.audit import NOWHERE, Origin, make_event, record_if_possible
from tokenauth.codes import EventType
from tokenauth.conf import config
from tokenauth.counters import counters
from tokenauth.exceptions import TooManyGuesses
from tokenauth.guessing.failures import Failures
from tokenauth.guessing.limits import limits_of
from tokenauth.guessing.names import account_of, digest, network_of

__all__ = ["Attempt", "admit"]

logger = logging.getLogger("tokenauth.throttling")

_KEPT = 30 * 86_400.0
"""Seconds for which a place stays known, and what is no counter is remembered."""

_FRESH = 86_400_000
"""Milliseconds for which a place that was noted as known is not noted again."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an account has logged in from: a key of the cache, and when that was noted there."""

    key: str
    noted: int = 0

    def note(self, now: int) -> dict[str, int]:
        return {} if 0 <= now - self.noted < _FRESH else {self.key: now}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A guess that is looked at. Whoever asked for it says what came of it.

    It holds digests only: no user name is in its ``repr()``.

    Attributes:
        origin: where it comes from, for the audit trail.
        counted: the counters that a failure goes to.
        forgiven: those that a success clears.
        place: what a success notes as known.
    """

    origin: Origin = NOWHERE
    counted: Sequence[Failures] = field(default=(), repr=False)
    forgiven: Sequence[Failures] = field(default=(), repr=False)
    place: _Place | None = field(default=None, repr=False)

    def failed(self) -> None:
        """Count a failure, wherever this attempt is counted."""
        now = _milliseconds()
        _set([counter.marks(now) for counter in self.counted])
        begun = [(counter.limit.name, counter.count()) for counter in self.counted]
        for name, failures in begun:
            if failures is not None:
                self._announce(name, failures)

    def passed(self) -> None:
        """Forgive what this spelling of the name has failed: it was right, and more is to come."""
        _set([counter.forgiveness() for counter in self.forgiven])

    def succeeded(self) -> None:
        """Forgive likewise, and note that the account has logged in from here."""
        noted = {} if self.place is None else self.place.note(_milliseconds())
        _set([noted, *(counter.forgiveness() for counter in self.forgiven)])

    def _announce(self, counter: str, failures: int) -> None:
        # One row when it begins, none for what is refused: those would be an attacker's INSERTs.
        detail = {"counter": counter, "failures": failures}
        record_if_possible(
            make_event(EventType.THROTTLED, at=system.now(), origin=self.origin, detail=detail)
        )
        logger.warning(
            "guesses are slowed down: counter=%s failures=%s ip=%s",
            counter,
            failures,
            self.origin.ip or "-",
        )


def admit(
    username: str,
    *,
    ip: str | None,
    kind: str = "login",
    origin: Origin = NOWHERE,
    own: str | None = None,
) -> Attempt:
    """Let a guess be looked at, or refuse it before anything is done with it.

    Neither the database nor the account is asked, so an account that does not exist is delayed
    as any other. One operation of the cache, and one more for each counter that delays.

    Args:
        username: whose secret is guessed, as it was typed.
        ip: the client's address, or ``None`` if it is not known. Of it only digests are kept.
        kind: which secret: each has counters of its own.
        origin: the same as it may be kept, for the audit trail.
        own: names something that only the account's owner has: a device that knows the account,
            or a session of it.

    Raises:
        TooManyGuesses: it comes too early.
    """
    free = config.guessing
    if free is None:
        return Attempt(origin)
    limits, network, account = limits_of(free), network_of(ip), account_of(username)

    def counter(name: str, *whose: str) -> Failures:
        return Failures(limits[name], kind, whose, username)

    of_account = counter("account", account)
    if own is None:
        counted = [counter("pair", account, network), of_account, counter("address", network)]
    else:
        counted = [counter("own", account, own), of_account]
    # Not for an unknown address, which everybody may have.
    place = None if ip is None else _Place(_key_of_place(username, network))
    values = _read(counted, place)
    if place is not None:
        place = replace(place, noted=int(values.get(place.key, 0)))
    is_known = own is not None or (place is not None and place.noted > 0)
    attempt = Attempt(origin, counted[:1] if is_known else counted, counted, place)
    _wait_for(attempt.counted)
    return attempt


def _key_of_place(username: str, network: str) -> str:
    return f"tokenauth:guess:{digest('place', username, network)}.known"


def _read(read: Sequence[Failures], place: _Place | None) -> Mapping[str, Any]:
    """Ask the cache for everything in one operation."""
    keys = [key for counter in read for key in counter.keys]
    values = counters.get_many(keys if place is None else [*keys, place.key])
    for counter in read:
        counter.read(values)
    return values


def _set(parts: Sequence[Mapping[str, int]]) -> None:
    values = {key: value for part in parts for key, value in part.items()}
    if values:
        counters.set_many(values, _KEPT)


def _wait_for(counted: Sequence[Failures]) -> None:
    now = _milliseconds()
    delaying = [counter for counter in counted if counter.delay]
    if wait := max((counter.wait(now) for counter in delaying), default=0):
        raise TooManyGuesses(-(-wait // 1000))
    taken: list[Failures] = []
    for counter in delaying:
        if not counter.take_turn():
            for other in taken:
                other.give_back()
            raise TooManyGuesses(1)
        taken.append(counter)


def _milliseconds() -> int:
    return int(system.now().timestamp() * 1000)
