"""``python -m tests.console_browser.seed``: a month of a project, made by domain functions.

The same users, devices and events every time; only the time, keys and ids differ.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import environ

django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402 - needs the settings
from django.db import transaction  # noqa: E402 - as above

from tests.console_browser import people  # noqa: E402 - as above
from tokenauth import system  # noqa: E402 - as above
from tokenauth.audit import Origin  # noqa: E402 - as above
from tokenauth.exceptions import SessionEnded  # noqa: E402 - as above
from tokenauth.issuing import Tokens  # noqa: E402 - as above
from tokenauth.models import RevokedReason  # noqa: E402 - as above
from tokenauth.sessions import (  # noqa: E402 - as above
    record_failed_login,
    revoke_session,
    revoke_user_sessions,
    rotate,
    start_session,
    step_up,
)
from tokenauth.statistics import gather  # noqa: E402 - as above

Step = tuple[datetime, Callable[[], object]]


class Device:
    """A client that keeps its newest tokens, as an app does."""

    def __init__(self, user: User, origin: Origin, name: str = "", client: str = "app") -> None:
        self.user, self.origin, self.name, self.client = user, origin, name, client
        self.tokens: Tokens | None = None
        self.refresh = ""

    def log_in(self, *amr: str) -> None:
        """Start a session."""
        self._keep(
            start_session(
                self.user,
                client=self.client,
                device_name=self.name,
                amr=amr or ("pwd",),
                origin=self.origin,
            )
        )

    def rotate(self, refresh: str = "", origin: Origin | None = None) -> None:
        """Refresh, by an older token or from elsewhere if that is asked for."""
        transport: Any = "cookie" if self.client == "browser" else "body"
        self._keep(
            rotate(refresh or self.refresh, transport=transport, origin=origin or self.origin)
        )

    def step_up(self) -> None:
        """Prove who it is by a second factor."""
        assert self.tokens
        self._keep(step_up(self.tokens.session, amr=("pwd", "otp"), origin=self.origin))

    def revoke(self, actor: User, reason: str, note: str = "") -> None:
        """Let a member of staff end it."""
        assert self.tokens
        origin = Origin("198.51.100.20", people.CHROME_MAC)
        revoke_session(self.tokens.session, reason=reason, actor=actor, note=note, origin=origin)

    def _keep(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.refresh = tokens.refresh or self.refresh


def users() -> dict[str, User]:
    """Make everyone: customers, and staff with the permissions that their name says."""
    made = {}
    for name, email in people.CUSTOMERS:
        made[name] = User.objects.create_user(name, email, people.PASSWORD)
    for name in people.PAIRS:
        made[name] = User.objects.create_user(name, f"{name}@example.com", people.PASSWORD)
    for name, codenames in people.STAFF.items():
        made[name] = User.objects.create_user(
            name, f"{name}@example.org", people.PASSWORD, is_staff=True
        )
        made[name].user_permissions.set(Permission.objects.filter(codename__in=codenames))
        assert made[name].user_permissions.count() == len(codenames)
    made["root"] = User.objects.create_superuser("root", "root@example.org", people.PASSWORD)
    return made


def ordinary_life(everyone: dict[str, User], end: datetime) -> Iterator[Step]:
    """Give a month of logins, refreshes and wrong passwords."""
    chance = random.Random(4)
    for number, (name, _email) in enumerate(people.CUSTOMERS):
        for _ in range(chance.randint(1, 5)):
            user_agent, device_name, client = chance.choice(people.DEVICES)
            address = f"192.0.2.{number + 1}" if chance.random() < 0.7 else f"2001:db8:{number}::7"
            device = Device(everyone[name], Origin(address, user_agent), device_name, client)
            at = end - timedelta(minutes=chance.randint(30, 29 * 24 * 60))
            yield at, lambda device=device: device.log_in()  # type: ignore[misc]
            for _ in range(chance.randint(0, 9)):
                at += timedelta(minutes=chance.randint(20, 2000))
                if at < end - timedelta(minutes=5):
                    yield at, device.rotate
    for _ in range(40):
        at = end - timedelta(minutes=chance.randint(5, 29 * 24 * 60))
        origin = Origin(f"203.0.113.{chance.randint(40, 60)}", chance.choice(people.DEVICES)[0])
        yield at, lambda origin=origin: record_failed_login(client="browser", origin=origin)  # type: ignore[misc]


def theft(ada: User, end: datetime) -> Iterator[Step]:
    """Ada works at home; a thief refreshes with her token, twice; her laptop comes back."""
    laptop = Device(ada, Origin("192.0.2.1", people.FIREFOX), "Work laptop")
    thief = Origin("203.0.113.9", "curl/8.5.0")
    stolen: list[str] = []
    yield end - timedelta(days=2), laptop.log_in
    for hours in (46, 40, 25, 20):
        yield end - timedelta(hours=hours), laptop.rotate
    yield end - timedelta(hours=19), laptop.step_up
    yield end - timedelta(hours=18), lambda: stolen.append(laptop.refresh)
    for minutes in (55, 45):
        yield end - timedelta(minutes=minutes), lambda: laptop.rotate(origin=thief)

    def comes_back() -> None:
        try:
            laptop.rotate(stolen[0])
        except SessionEnded:
            return
        raise AssertionError("the reuse was not seen")

    yield end - timedelta(minutes=20), comes_back


def lost_answers(grace: User, end: datetime) -> Iterator[Step]:
    """An app in a tunnel: answers are lost, and the token before is presented again, late."""
    phone = Device(grace, Origin("192.0.2.77", people.IPHONE), "Phone of Grace")
    before: list[str] = []
    yield end - timedelta(hours=9), phone.log_in
    for hours in (8, 6, 4):
        yield end - timedelta(hours=hours), lambda: before.append(phone.refresh)
        yield end - timedelta(hours=hours, minutes=-1), phone.rotate
        yield end - timedelta(hours=hours, minutes=-9), lambda: phone.rotate(before[-1])


def endings(everyone: dict[str, User], end: datetime) -> Iterator[Step]:
    """Sessions that staff or their users ended."""
    helper, tablet = everyone["helper"], Origin("192.0.2.61", people.IPAD)
    lost = Device(everyone["linus"], tablet, "Tablet")
    yield end - timedelta(days=5), lost.log_in
    yield (
        end - timedelta(days=1),
        lambda: lost.revoke(helper, RevokedReason.ADMIN, "Ticket 4711: left on a train"),
    )
    yield (
        end - timedelta(days=3),
        lambda: revoke_user_sessions(everyone["barbara"], reason=RevokedReason.USER),
    )


def oddities(everyone: dict[str, User], end: datetime) -> Iterator[Step]:
    """Hostile names, very long names, a programme, staff, and a device for each test that acts."""
    for minutes, name, origin, device_name in (
        (50, "mallory", Origin("203.0.113.66", people.HOSTILE), people.HOSTILE),
        (40, people.LONG_NAME, Origin("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", ""), "w" * 100),
        (35, "katherine", Origin("192.0.2.90", "python-httpx/0.28"), ""),
        (33, "root", Origin("198.51.100.20", people.CHROME_MAC), "Desk"),
        (32, "helper", Origin("198.51.100.21", people.CHROME_MAC), "Desk"),
        *(
            (minutes, name, Origin("192.0.2.160", people.IPAD), label)
            for name in people.PAIRS
            for minutes, label in ((7 * 24 * 60, "Old"), (90, "New"))
        ),
        *((4321, name, Origin("192.0.2.150", people.FIREFOX), "Here") for name in people.TO_DELETE),
        *(
            (1111 * (n + 1), "radia", Origin("192.0.2.201", people.IPHONE), f"Phone {n}")
            for n in range(9)
        ),
    ):
        device = Device(everyone[name], origin, device_name)
        yield end - timedelta(minutes=minutes), device.log_in


def counting(end: datetime) -> Iterator[Step]:
    """Give what the command for the statistics does, which is to run every hour."""
    for hours in (*range(1, 24), *range(24, 30 * 24, 8)):
        yield end - timedelta(hours=hours), gather


def seed(end: datetime) -> None:
    """Fill an empty database with what happened until ``end``."""
    everyone = users()
    steps = [
        *ordinary_life(everyone, end),
        *theft(everyone["ada"], end),
        *lost_answers(everyone["grace"], end),
        *endings(everyone, end),
        *oddities(everyone, end),
        *counting(end),
    ]
    for at, step in sorted(steps, key=lambda step: step[0]):
        system.now = lambda at=at: at  # type: ignore[misc]
        try:
            step()
        except SessionEnded:
            continue  # its time was over: it stays as it ended
    system.now = lambda: end
    gather()


if __name__ == "__main__":
    now = environ.Env().str("CONSOLE_NOW", default="")
    assert not transaction.get_connection().in_atomic_block
    seed(datetime.fromisoformat(now) if now else datetime.now(UTC))
