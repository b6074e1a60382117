"""Users who are logged in, connections to the server, and time that passes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any, TypeVar

from django.contrib.auth import get_user_model

from benchmarks.comparison.candidate import PASSWORD, Candidate, Reply, Tokens
from benchmarks.comparison.staff import Staff
from benchmarks.comparison.wire import Http

__all__ = ["Lab", "Login", "open_lab"]

T = TypeVar("T")
MARGIN = 1.0
"""Seconds waited beyond each limit."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Login:
    """Somebody who has logged in once.

    Args:
        user: the row.
        reply: the answer to the login.
    """

    user: Any
    reply: Reply

    @property
    def tokens(self) -> Tokens:
        """What the login gave."""
        return self.reply.tokens


@dataclass(frozen=True)
class Lab:
    """One candidate and its server.

    Args:
        candidate: how to talk to it.
        rounds: how often each behaviour is looked at.
        tabs: two connections.
        staff: at the admin.
    """

    candidate: Candidate
    rounds: int
    tabs: tuple[Http, Http]
    staff: Staff
    _pool: ThreadPoolExecutor = field(repr=False)
    _line: Barrier = field(repr=False)

    @property
    def http(self) -> Http:
        """The connection for what is done one by one."""
        return self.tabs[0]

    def logins(self, *, settled: bool = False) -> list[Login]:
        """Log in as many new users as there are rounds.

        Args:
            settled: wait until a refresh rotates.
        """
        made = [self._login() for _ in range(self.rounds)]
        if settled:
            self.wait(self.candidate.quiet)
        return made

    def _login(self) -> Login:
        name = f"user{next(_numbers)}@example.com"
        user = get_user_model().objects.create_user(name, email=name, password=PASSWORD)
        reply = self.candidate.login(self.http, name)
        assert reply.ok, f"login: {reply.status}"
        assert reply.tokens.access, "the login gave no access token"
        assert bool(reply.tokens.refresh) == self.candidate.rotates
        return Login(user, reply)

    def wait(self, seconds: float) -> None:
        """Let a limit pass, if there is one."""
        if seconds:
            time.sleep(seconds + MARGIN)

    def refresh(self, held: Tokens) -> Reply:
        """Present a refresh token."""
        return self.candidate.refresh(self.http, held)

    def works(self, tokens: Tokens) -> bool:
        """Return whether the API accepts the access token."""
        status = self.candidate.call(self.http, tokens.access).status
        assert status in {200, 401, 403}, f"API: {status}"
        return status == 200

    def both(self, held: Tokens) -> list[Reply]:
        """Present one refresh token from two tabs at the same moment."""

        def go(tab: Http) -> Reply:
            self._line.wait(timeout=60)
            return self.candidate.refresh(tab, held)

        return self._each(go)

    def _each(self, act: Callable[[Http], T]) -> list[T]:
        return [future.result() for future in [self._pool.submit(act, tab) for tab in self.tabs]]


@contextmanager
def open_lab(candidate: Candidate, address: str, rounds: int) -> Iterator[Lab]:
    """Connect to a server while the block lasts."""
    with Http(address) as first, Http(address) as second, ThreadPoolExecutor(2) as pool:
        for tab in (first, second):
            tab.send("GET", "/ready/")
        yield Lab(candidate, rounds, (first, second), Staff(first), pool, Barrier(2))
