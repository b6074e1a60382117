"""The revocation list: each process knows which sessions' access tokens need a closer look.

With ``TOKENAUTH_ACCESS_TOKEN_CHECK = "revocation-list"`` an API request costs no query. Instead
each process reads, about twice a second while it is asked, which sessions were *listed* lately: by
a revocation, a step-up or a change of the account, each of which stamps ``listed_at`` in the
transaction that makes it. A token of a session that is not on the list stands on its signature.

What makes it right:

* It is read by a window of two access-token lifetimes, never from "the newest I have seen": a
  revocation that is stamped now and committed ten seconds later is in the next reading still. What
  hosts' clocks differ by is within the window too.
* An entry is kept for one access-token lifetime after this process first saw it, whatever the
  clocks say: until then every token from before has expired.
* Its age is that of the reading's start, by the monotonic clock. From 0.5 s on, one request brings
  it up to date while the others go on; from 1 s on they wait; and without a list younger than 10 s
  nobody is let in: 503, not a guess.
* It is bounded: while more than 10,000 sessions are listed, every token gets the session check.
"""

from __future__ import annotations

import enum
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from django.db import Error, connections

from tokenauth import system
from tokenauth.conf import config
from tokenauth.database import in_transaction, write_alias
from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthSession
from tokenauth.tokens.access import LEEWAY

__all__ = [
    "FRESH",
    "MAX_AGE",
    "MAX_ENTRIES",
    "STALE",
    "RevocationList",
    "Standing",
    "revocation_list",
]

FRESH = 0.5
"""Seconds for which a reading is good enough for everybody."""

STALE = 1.0
"""Seconds after which a request waits for a newer one: how late a revocation may be seen."""

MAX_AGE = 10.0
"""Seconds for which the last reading serves while the database does not answer."""

PATIENCE = 2.0
"""Seconds that a request waits for another one's reading before it judges by what is there."""

MAX_ENTRIES = 10_000
"""So many sessions are listed at most; about 5 MB in each process."""

FULL_PAUSE = 5.0
"""Seconds between two looks whether a list that was too long has become shorter."""

SHORTEST_WINDOW = timedelta(minutes=1)
"""Commits may be this late, and clocks differ by it, however short the access tokens live."""

logger = logging.getLogger("tokenauth.revocation_list")


class Standing(enum.Enum):
    """What the list says of a session."""

    CLEAR = "clear"
    DOUBTFUL = "doubtful"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one reading found. Replaced as a whole: nobody sees half of two readings.

    Attributes:
        revoked: the listed sessions, and whether each is revoked; empty if there are too many.
        first_seen: when this process first saw each of them.
        is_full: whether there are too many.
        started: when the reading began. Times are those of the monotonic clock.
    """

    revoked: Mapping[uuid.UUID, bool] = field(default_factory=dict)
    first_seen: Mapping[uuid.UUID, float] = field(default_factory=dict)
    is_full: bool = False
    started: float = float("-inf")


class RevocationList:
    """One process's list. Threads may share it; a fork begins anew."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know nothing, as at the start of a process: the next request reads the list first."""
        self._lock = Lock()
        self._latest = _Reading()
        self._failed_at = float("-inf")
        self._reading_since = float("-inf")
        self._hangs = False

    def __len__(self) -> int:
        return len(self._latest.revoked)

    def look_up(self, session_id: uuid.UUID) -> Standing:
        """Return what is known of a session, bringing the list up to date if that is due.

        ``DOUBTFUL`` asks for the session check: after a step-up, after a change of the account,
        and for every session while too many are listed.

        Raises:
            TryAgain: the list is older than 10 s and the database gives no newer one.
        """
        self.update()
        latest = self._latest
        if system.monotonic() - latest.started > MAX_AGE:
            raise TryAgain("no revocation list younger than 10 s")
        if latest.is_full:
            return Standing.DOUBTFUL
        revoked = latest.revoked.get(session_id)
        if revoked is None:
            return Standing.CLEAR
        return Standing.REVOKED if revoked else Standing.DOUBTFUL

    def update(self) -> None:
        """Read the list if it is due; wait for whoever reads it only if it is too old to use.

        The middleware calls it before the view's transaction begins, so that the reading is the
        latest there is, whatever the isolation level.
        """
        if not self.is_due():
            return
        # A list that was too long refers everybody to the session check: nothing to wait for.
        must_wait = self._is_due(STALE) and not self._latest.is_full
        lock = self._lock
        if not lock.acquire(timeout=PATIENCE if must_wait and not self._hangs else 0):
            if must_wait:
                self._doubt_the_reader(lock)
            return
        try:
            # Whoever held the lock may have read it meanwhile.
            if self.is_due():
                self._read()
        finally:
            lock.release()

    def _doubt_the_reader(self, lock: Lock) -> None:
        """Have nobody else wait for a reading that hangs; after 10 s let another thread read.

        A connection that has gone silent holds its reader for as long as TCP retries: minutes.
        """
        self._hangs = True
        if system.monotonic() - self._reading_since > MAX_AGE and self._lock is lock:
            self._lock, self._hangs = Lock(), False

    def is_due(self) -> bool:
        """Return whether :meth:`update` would read the list, or wait for it."""
        return self._is_due(FRESH)

    def _is_due(self, age: float) -> bool:
        now = system.monotonic()
        # While the database does not answer, one request at a time finds out, not every one.
        if now - self._failed_at < FRESH:
            return False
        latest = self._latest
        return now - latest.started >= (FULL_PAUSE if latest.is_full else age)

    def _read(self) -> None:
        started = self._reading_since = system.monotonic()
        try:
            rows = _read_again_if_cut()
        except Error as error:
            self._failed_at = system.monotonic()
            logger.error("the revocation list was not read: %s", type(error).__name__)  # noqa: TRY400 - once in half a second, and the request goes on
            return
        finally:
            self._hangs = False
        # One that hung may come back after another thread has taken over.
        if started > self._latest.started:
            self._keep(rows, started)

    def _keep(self, rows: list[tuple[uuid.UUID, bool]], started: float) -> None:
        if len(rows) > MAX_ENTRIES:
            self._latest = _Reading(is_full=True, started=started)
            return
        before, revoked = self._latest, dict(rows)
        # What fell out of the window by this host's clock may still have living tokens.
        oldest = started - (config.longest_access_lifetime + LEEWAY).total_seconds()
        for session_id, seen in before.first_seen.items():
            if seen > oldest:
                revoked.setdefault(session_id, before.revoked[session_id])
        first_seen = {key: before.first_seen.get(key, started) for key in revoked}
        self._latest = _Reading(revoked, first_seen, is_full=False, started=started)


def _listed() -> list[tuple[uuid.UUID, bool]]:
    """Return the sessions listed lately and whether each is revoked; one more than too many."""
    window = max(2 * config.longest_access_lifetime, SHORTEST_WINDOW)
    rows = AuthSession.objects.using(write_alias()).filter(listed_at__gt=system.now() - window)
    found = rows.values_list("pk", "revoked_at")[: MAX_ENTRIES + 1]
    return [(session_id, revoked_at is not None) for session_id, revoked_at in found]


def _read_again_if_cut() -> list[tuple[uuid.UUID, bool]]:
    """Read; once more if the connection was kept from before and has been cut since.

    Each thread keeps a connection of its own: after a restart of the database all are broken, and
    with one attempt in half a second every thread would have to fail first.
    """
    connection = connections[write_alias()]
    was_kept = connection.connection is not None and not connection.in_atomic_block
    try:
        return _outside_transaction(_listed)
    except Error:
        if not was_kept or connection.is_usable():
            raise
        connection.close()
    return _outside_transaction(_listed)


def _outside_transaction(
    read: Callable[[], list[tuple[uuid.UUID, bool]]],
) -> list[tuple[uuid.UUID, bool]]:
    """Call ``read`` where it sees what is committed now.

    Inside a transaction of the caller's it might see the past (REPEATABLE READ), for the whole
    process, and an error of it would break that transaction: then another thread reads, on a
    connection of its own. That is rare, as the middleware has read before a view begins.
    """
    if not in_transaction(write_alias()):
        return read()

    def read_and_close() -> list[tuple[uuid.UUID, bool]]:
        try:
            return read()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        return other.submit(read_and_close).result()


revocation_list = RevocationList()
"""This process's list."""

os.register_at_fork(after_in_child=revocation_list.forget)
