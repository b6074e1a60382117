"""What staff should see of a session that is used elsewhere than before: recorded, never decided.

A *move* is another browser, by its name, or another network: another /24 of IPv4 or /64 of IPv6,
because providers hand out addresses within those as they please. Phones move all day; an address
and a browser that change at once hardly ever do.

What is kept here is for people. A request with the same address and user agent as the last costs
two comparisons, and nothing that fails here fails a login or a refresh.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from django.db import DatabaseError

from tokenauth import system
from tokenauth.audit import NOWHERE, Origin, event_about, record_if_possible, savepoint
from tokenauth.database import write_alias
from tokenauth.devices import UNKNOWN, Device, describe
from tokenauth.models import AuthSession, EventType
from tokenauth.origins import cut_address
from tokenauth.protocol import Decision, Verdict

__all__ = [
    "DEVICES_COMPARED",
    "MOVES_RECORDED",
    "Move",
    "find_move",
    "last_device",
    "network_of",
    "new_devices_lately",
    "note_move",
    "note_repeat",
    "whereabouts",
]

DEVICES_COMPARED = 200
"""A device is new if none of so many of the user's newest sessions had it."""
MOVES_RECORDED = 20
"""So many moves of a session have an event each; those after them are only counted."""

_PREFIXES = {4: 24, 6: 64}
_LATELY = timedelta(hours=1)

logger = logging.getLogger("tokenauth.moves")


@dataclass(frozen=True, slots=True)
class Move:
    """From where to where a session's client has moved.

    Attributes:
        from_ip: the address that the session was at, or ``None`` if it is not known.
        to_ip: the address that it is seen at.
        from_device: the browser that it was in.
        to_device: the browser that it is seen in, or ``None`` if that is not kept.
    """

    from_ip: str | None
    to_ip: str | None
    from_device: Device
    to_device: Device | None

    @property
    def changed_network(self) -> bool:
        """Whether it is in another network; an address that is not known says nothing."""
        if self.from_ip is None or self.to_ip is None:
            return False
        if self.from_ip == cut_address(self.to_ip):  # stored while addresses were truncated
            return False
        return network_of(self.from_ip) != network_of(self.to_ip)

    @property
    def changed_browser(self) -> bool:
        """Whether it is in another browser; a newer version is the same one.

        One that is not known says nothing: it may not have been kept.
        """
        if self.to_device is None or self.from_device == UNKNOWN:
            return False
        return self.from_device.label != self.to_device.label

    def sighting(self, now: datetime) -> dict[str, Any]:
        """Return what is written, by field, if the session stays where it was."""
        return {"moved_at": now} if self.changed_network and self.changed_browser else {}

    def changes(self, now: datetime) -> dict[str, Any]:
        """Return what is written, by field, if the session goes along."""
        device = self.to_device
        if device is None or not self.changed_browser:
            return self.sighting(now)
        return self.sighting(now) | {"device": device.label, "device_kind": device.kind}

    def detail(self) -> dict[str, Any]:
        """Return the facts for the audit."""
        addresses = {"from_ip": self.from_ip, "to_ip": self.to_ip}
        if self.to_device is None:
            return addresses
        devices = {"from_device": self.from_device.label, "to_device": self.to_device.label}
        return addresses | devices


def network_of(address: str) -> str:
    """Return the network that a client's address is in, or the text itself if it is none."""
    try:
        prefix = _PREFIXES[ip_address(address).version]
        return str(ip_network((address, prefix), strict=False))
    except ValueError:
        return address


def find_move(session: AuthSession, origin: Origin) -> Move | None:
    """Return the move that a request means, or ``None`` if it comes from where the last did.

    A session that nothing is known of yet, because a project started it on its own, has not moved
    when its client turns up.

    Args:
        session: as it was read.
        origin: where the request came from.
    """
    is_same = origin.ip == session.last_ip and origin.user_agent == session.last_user_agent
    if is_same and origin.is_agent_kept:
        return None
    known = session.last_ip or session.last_user_agent or session.device
    if origin == NOWHERE or not known:
        return None
    # As the settings are now, which may have changed since it was stored.
    last = Origin(session.last_ip)
    move = Move(last.ip, origin.ip, last_device(session), origin.device)
    return move if move.changed_network or move.changed_browser else None


def whereabouts(session: AuthSession, origin: Origin) -> dict[str, Any]:
    """Return what a rotation writes, by field, about where a session is: nothing, if as it was.

    A session that was started without a place learns its device too.

    Args:
        session: as it was read.
        origin: where the request came from.
    """
    found: dict[str, Any] = {}
    if origin.ip != session.last_ip or origin.user_agent != session.last_user_agent:
        found = {"last_ip": origin.ip, "last_user_agent": origin.user_agent}
    if session.last_user_agent or session.device or not origin.device:
        return found
    return found | {"device": origin.device.label, "device_kind": origin.device.kind}


def last_device(session: AuthSession) -> Device:
    """Return what a session was in at its last rotation, as far as that was kept."""
    if session.last_user_agent:
        return describe(session.last_user_agent)
    return Device(session.device)  # of which kind, a refresh does not read


def new_devices_lately(user: Any, device: Device | None, now: datetime) -> int:
    """Return how often a user has logged in on a new device within the hour, this time included.

    New is a device that a user who has had sessions has had none on lately; 0 if this one is not.

    Args:
        user: who is logging in.
        device: on what; ``None`` if that is not kept, and then nothing is new.
        now: when.
    """
    if device is None:
        return 0
    alias = write_alias()
    rows = AuthSession.objects.using(alias).filter(user_id=user.pk).order_by("-created_at")
    try:
        with savepoint(alias):
            found = list(rows.values_list("device", "new_device", "created_at")[:DEVICES_COMPARED])
    except DatabaseError:
        logger.exception("whether a device is new could not be looked up")
        return 0
    if not found or any(label == device.label for label, _, _ in found):
        return 0
    return 1 + sum(was_new and at > now - _LATELY for _, was_new, at in found)


def note_move(session: AuthSession, move: Move, origin: Origin) -> None:
    """Record that a session moved along with a rotation.

    Args:
        session: as it was written.
        move: from where to where.
        origin: where the request came from.
    """
    if session.moves <= MOVES_RECORDED:
        # The time of the line of history, so that people see one thing where one thing happened.
        at = session.rotated_at
        facts: dict[str, Any] = {"at": at, "origin": origin, "detail": move.detail()}
        record_if_possible(event_about(EventType.MOVED, session, **facts))


def note_repeat(
    session: AuthSession, decision: Decision, move: Move | None, origin: Origin
) -> None:
    """Record an answer that was given once more: if it was late, or if it went elsewhere.

    Args:
        session: as it was read.
        decision: to repeat, or to answer late.
        move: the way to where it was given, if that is elsewhere.
        origin: where the request came from.
    """
    detail = move.detail() if move else {}
    facts: dict[str, Any] = {"at": system.now(), "origin": origin}
    if decision.verdict is Verdict.LATE:
        facts["detail"] = {"run": decision.late_run} | detail
        record_if_possible(event_about(EventType.LATE_ANSWER, session, **facts))
    elif move and session.moves < MOVES_RECORDED:
        facts["detail"] = detail
        record_if_possible(event_about(EventType.REPEATED_ELSEWHERE, session, **facts))
