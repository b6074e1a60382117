"""The logins that fail, each at an account and from an address of its own.

Whatever bounds guesses must not be what is measured: no account is tried twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from ipaddress import IPv4Address

from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.contrib.auth.models import User
from django.test import Client

from benchmarks.failures.backends import LOCKED
from benchmarks.results import Slice

__all__ = ["CONTROL", "REFERENCE", "WAYS", "attempt", "make_users"]

PASSWORD = "correct horse battery staple"
REFERENCE = "unknown"
CONTROL = "control"
WAYS = {
    REFERENCE: "unknown user",
    "wrong": "wrong password",
    "inactive": "inactive user, right password",
    "locked": "user locked by staff, right password",
    CONTROL: "control: unknown user, 2 % fewer iterations",
}
"""By name: what a table calls it."""


def make_users(rounds: int) -> None:
    """Make an account for each login. One hash serves them all: to make it takes half a second."""
    stored = make_password(PASSWORD)
    facts: dict[str, dict[str, object]] = {
        "wrong": {"password": stored},
        "inactive": {"password": stored, "is_active": False},
        "locked": {"password": stored, "last_name": LOCKED},
    }
    User.objects.bulk_create(
        User(username=f"{way}-{number}", **fields)
        for way, fields in facts.items()
        for number in range(rounds)
    )


@contextmanager
def _fewer_iterations() -> Iterator[None]:
    """Do less work, by as much as the measurement should be able to see."""
    whole = PBKDF2PasswordHasher.iterations
    PBKDF2PasswordHasher.iterations = whole * 98 // 100
    try:
        yield
    finally:
        PBKDF2PasswordHasher.iterations = whole


def attempt(way: str, number: int) -> Slice:
    """Log in, and fail; return the seconds on the wall and of this process."""
    address = str(IPv4Address("10.0.0.0") + 256 * (len(WAYS) * number + list(WAYS).index(way)))
    client = Client(REMOTE_ADDR=address)
    password = "wrong" if way == "wrong" else PASSWORD
    body = {"username": f"{way}-{number}", "password": password, "client": "app"}
    with _fewer_iterations() if way == CONTROL else nullcontext():
        wall, cpu = time.perf_counter(), time.process_time()
        answer = client.post("/auth/login/", body, content_type="application/json")
        taken = Slice(time.perf_counter() - wall, time.process_time() - cpu)
    assert answer.status_code == 401, answer.content
    return taken
