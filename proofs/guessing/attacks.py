"""Three attacks, and the owner who wants to log in meanwhile."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from proofs.guessing import clock

__all__ = ["ATTACKS", "OWNER", "PASSWORD", "Attack", "Attackers", "Client", "wait_until_in"]

OWNER, PASSWORD = "ada", "correct horse battery"
GUESSERS = 16
AT_ONCE = 16
"""So many are looked at before the first of them has failed: what the server works at at once."""

HOME, NEW, ELSEWHERE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@dataclass
class Client:
    """Somebody who logs in, from an address and with what cookies the server has set."""

    port: int
    ip: str
    client: str = "app"
    cookies: dict[str, str] = field(default_factory=dict)

    def login(self, username: str, password: str) -> tuple[int, int]:
        """Try once; return the status and the seconds to wait."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = json.dumps({"username": username, "password": password, "client": self.client})
        headers = {
            "Host": "127.0.0.1",
            "Content-Type": "application/json",
            "X-Forwarded-For": self.ip,
            "Sec-Fetch-Site": "same-origin",
        }
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request("POST", "/auth/login/", body, headers)
            answer = connection.getresponse()
            answer.read()
            for header in answer.headers.get_all("Set-Cookie", []):
                name, _, value = header.partition(";")[0].partition("=")
                if name.endswith("-device"):
                    self.cookies[name] = value
            return answer.status, int(answer.headers.get("Retry-After", "0"))
        finally:
            connection.close()

    def owner(self) -> tuple[int, int]:
        """Try once with the owner's name and password."""
        return self.login(OWNER, PASSWORD)


@dataclass(frozen=True)
class Attack:
    """A way to guess.

    Attributes:
        name: for the report.
        aim: which address guesses at which account, by the number of the guess.
        first: how many guesses may be looked at in the first hour.
        later: how many in each later one.
    """

    name: str
    aim: Callable[[int], tuple[str, str]]
    first: int
    later: int


ATTACKS = (
    Attack("1 address at 1 account", lambda _: (ELSEWHERE, OWNER), 19 + AT_ONCE, 5),
    Attack(
        "1,000 addresses at 1 account",
        lambda number: (f"10.0.{number % 1000 // 250}.{number % 250}", OWNER),
        34 + AT_ONCE,
        2,
    ),
    Attack(
        "1 address at 1,000 accounts",
        lambda number: (ELSEWHERE, f"user{number % 1000}" if number % 1000 else OWNER),
        51 + AT_ONCE,
        14,
    ),
)
"""The bounds are those of the rule, and one or two more for guesses on the edges of an hour."""


class Attackers:
    """Guesses, as parallel as the server allows, while the block lasts.

    Attributes:
        answers: by status, how many there were.
    """

    def __init__(self, port: int, attack: Attack) -> None:
        self._port, self._attack = port, attack
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.answers: dict[int, int] = {}

    @contextmanager
    def guessing(self) -> Iterator[None]:
        """Guess while the block lasts."""
        threads = [threading.Thread(target=self._guess, daemon=True) for _ in range(GUESSERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _guess(self) -> None:
        while not self._stopped.is_set():
            number = next(self._numbers)
            ip, username = self._attack.aim(number)
            with suppress(OSError, http.client.HTTPException):
                status, _ = Client(self._port, ip).login(username, f"guess {number}")
                with self._lock:
                    self.answers[status] = self.answers.get(status, 0) + 1


def wait_until_in(client: Client, seconds: float) -> float | None:
    """Log the owner in as soon as it is allowed; return after how many seconds, ``None`` if not."""
    began = clock.seconds()
    while clock.seconds() - began <= seconds:
        if client.owner()[0] == 200:
            return clock.seconds() - began
        time.sleep(0.02)
    return None
