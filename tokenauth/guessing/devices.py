"""What a browser keeps to show that an account has logged in on it: a device cookie's value.

It authenticates nobody. A browser that has it is guessed from by a counter of its own, so that
its owner is not locked out by what others try (OWASP, "Slow Down Online Guessing Attacks with
Device Cookies"). Signed, so that nobody makes one; a random id, and the digests of the accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.core.signing import BadSignature, Signer

from tokenauth import system
from tokenauth.guessing.names import digest, digests

__all__ = ["MAX_ACCOUNTS", "Device", "new_device", "read_device"]

MAX_ACCOUNTS = 5
"""So many accounts a device is known for: those that logged in there last."""

_LONGEST = 400
_SALT = "tokenauth.device"


@dataclass(frozen=True, slots=True)
class Device:
    """A browser.

    Attributes:
        id: random, without a meaning.
        accounts: digests of the user names, as they were typed, the newest first.
    """

    id: str = field(repr=False)
    accounts: tuple[str, ...] = ()

    def knows(self, username: str) -> bool:
        """Return whether this very spelling has logged in here."""
        return not set(digests("device", username)).isdisjoint(self.accounts)

    def is_current(self, username: str) -> bool:
        """Return whether it knows the name by the newest key: the others will go."""
        return digest("device", username) in self.accounts

    def with_account(self, username: str) -> Device:
        """Return the same device, which knows this account too."""
        names = digests("device", username)
        others = [account for account in self.accounts if account not in names]
        return Device(self.id, (names[0], *others)[:MAX_ACCOUNTS])

    def value(self) -> str:
        """Return the cookie's value."""
        return Signer(salt=_SALT).sign(".".join((self.id, *self.accounts)))


def new_device() -> Device:
    """Return a device that knows nobody yet."""
    return Device(system.random_bytes(16).hex())


def read_device(values: Sequence[str], username: str) -> Device | None:
    """Return the device that the values of a cookie show, or ``None``.

    Args:
        values: more than one if a sibling host has planted some. One that knows the account goes
            first, as no other host can have made it.
        username: who is about to log in, as it was typed.
    """
    devices = [device for value in values if (device := _parse(value)) is not None]
    known = [device for device in devices if device.knows(username)]
    return next(iter([*known, *devices]), None)


def _parse(value: str) -> Device | None:
    if len(value) > _LONGEST:
        return None
    try:
        name, *accounts = Signer(salt=_SALT).unsign(value).split(".")
    except BadSignature:
        return None
    return Device(name, tuple(accounts[:MAX_ACCOUNTS]))
