"""What users do in a process of its own: log in, list and refresh, all of them or always one."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.scale.settings"
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - after the setup

from benchmarks.scale.databases import Chosen  # noqa: E402 - as above
from benchmarks.scale.latency import Refresher  # noqa: E402 - as above
from benchmarks.scale.loading import AGENTS, PASSWORD, Lot  # noqa: E402 - as above
from tokenauth.sessions import Origin, active_sessions, start_session  # noqa: E402 - as above

__all__ = ["ALONE", "CROWD", "HOT", "OVER", "SPREAD", "Acts", "keep_busy"]

CROWD = "crowd"
ALONE, SPREAD, HOT, OVER = range(4)
"""What the neighbours do: nothing, as many users, as one, and no more at all."""
PAUSE = 0.02
"""Seconds between two acts of a neighbour."""


class Acts:
    """What users of a lot do.

    Args:
        lot: their sessions.
        number: of this process; each has sessions of its own.
        processes: of how many.
        one: whether it is always the first user, and always the same session.
    """

    def __init__(self, lot: Lot, number: int, processes: int, *, one: bool = False) -> None:
        self._random, self._users = random.Random(number), 1 if one else lot.users
        each = lot.count // processes
        count = 1 if one else each
        self._refresh = Refresher(lot, seed=number, first=number * each, count=count)

    def _user(self) -> User:
        return User(pk=self._random.randint(1, self._users), password=PASSWORD)

    def login(self) -> object:
        """Log in to a client with a limit."""
        origin = Origin("192.0.2.1", self._random.choice(AGENTS))
        return start_session(self._user(), client="limited", origin=origin)

    def list(self) -> object:
        """List the user's sessions."""
        return active_sessions(self._user())

    def refresh(self) -> object:
        """Rotate a session."""
        return self._refresh()

    def turns(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield each act in turn, with its name."""
        acts = {"login": self.login, "list": self.list, "refresh": self.refresh}
        while True:
            yield from acts.items()


def keep_busy(
    number: int, processes: int, lots: tuple[Lot, Lot], phase: Synchronized[int], ready: Barrier
) -> None:
    """Do what the phase says, once all are ready, until it is over."""
    Chosen.alias = CROWD
    ordinary, crowded = lots
    acts = {
        SPREAD: Acts(ordinary, number, processes).turns(),
        HOT: Acts(crowded, number, processes, one=True).turns(),
    }
    ready.wait(timeout=120)
    while phase.value != OVER:
        if phase.value != ALONE:
            _, act = next(acts[phase.value])
            act()
        time.sleep(PAUSE)
