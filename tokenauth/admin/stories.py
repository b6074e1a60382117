"""How one event of a session reads: a sentence, the places it speaks of, and what else is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tokenauth.admin.display import (
    describe_agent,
    describe_event,
    describe_label,
    describe_methods,
    describe_reason,
    exact,
    plain,
)
from tokenauth.admin.places import place_of
from tokenauth.models import AuthEvent, EventType
from tokenauth.moves import network_of

__all__ = ["Entry", "Place", "compare", "place_of_event", "story_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client was, and what it ran on.

    Attributes:
        address: its IP address; empty if it is not known.
        device: its browser and system, in the reader's language.
        role: whose place it is, if there are several.
        user_agent: what it called itself, in full, if that was kept.
        is_new_address: whether the address is in another network than before.
        is_new_device: whether the browser is another one than before.
    """

    address: str
    device: str
    role: str = ""
    user_agent: str = ""
    is_new_address: bool = False
    is_new_device: bool = False

    @property
    def town(self) -> str:
        """Where the address is, if the project can tell."""
        return place_of(self.address)

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.address or self.device)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline.

    Attributes:
        at: when it happened; of several rotations, the last.
        kind: a value of :class:`~tokenauth.models.EventType`, or ``rotation``.
        what: a sentence.
        places: where from: one, or two to be compared.
        facts: what else is known, a sentence each.
        alarms: whether it is what staff should look at.
    """

    at: datetime
    kind: str
    what: str
    places: tuple[Place, ...] = ()
    facts: tuple[str, ...] = ()
    alarms: bool = False

    @property
    def time(self) -> str:
        """When it happened, to the second."""
        return exact(self.at)


def story_of(event: AuthEvent) -> Entry:
    """Return the line about an event; of a kind that is not known, its bare facts.

    Args:
        event: loaded with its actor.
    """
    tell = _TELLERS.get(event.type, _anything)
    return tell(event)


def place_of_event(event: AuthEvent, role: str = "") -> Place:
    """Return where the request came from that an event is about."""
    agent = plain(event.user_agent)
    return Place(event.ip or "", describe_agent(event.user_agent), role, agent)


def compare(place: Place, before: Place) -> Place:
    """Return ``place`` with what has changed marked; what is not known has not changed."""
    return replace(
        place,
        is_new_address=bool(before.address and place.address)
        and network_of(before.address) != network_of(place.address),
        is_new_device=before.is_known and place.is_known and before.device != place.device,
    )


def _entry(event: AuthEvent, what: str, *facts: str, **more: Any) -> Entry:
    here = place_of_event(event)
    places = more.pop("places", (here,) if here.is_known else ())
    return Entry(event.created_at, event.type, what, places, tuple(filter(None, facts)), **more)


def _login(event: AuthEvent) -> Entry:
    return _entry(event, _("Signed in."))


def _failed(event: AuthEvent) -> Entry:
    return _entry(event, _("A step-up failed: the password was wrong."))


def _step_up(event: AuthEvent) -> Entry:
    methods = describe_methods(event.detail.get("amr"))
    facts = [_("By: %(methods)s.") % {"methods": methods}] if methods else []
    return _entry(event, _("Step-up: the user proved again who they are."), *facts)


def _late(event: AuthEvent) -> Entry:
    run = event.detail.get("run")
    facts = [_("Late answer %(number)d in a row.") % {"number": run}] if _is_many(run) else []
    what = _("Late answer: the old token was accepted once more, as nobody had used the new one.")
    return _entry(event, what, *facts, **_two_places(event))


def _is_many(number: Any) -> bool:
    return isinstance(number, int) and number > 1


def _repeated(event: AuthEvent) -> Entry:
    what = _("An answer was repeated to another place than the session was in.")
    return _entry(event, what, **_two_places(event))


def _moved(event: AuthEvent) -> Entry:
    more = _two_places(event)
    here = more["places"][-1] if "places" in more else None
    if here is None or here.is_new_address == here.is_new_device:
        what = _("Address and browser changed at once.")
    elif here.is_new_address:
        what = _("The address changed.")
    else:
        what = _("The browser changed.")
    return _entry(event, what, **more)


def _two_places(event: AuthEvent) -> dict[str, Any]:
    """Return the places before and after, if the event names both."""
    detail, here = event.detail, place_of_event(event, _("Then"))
    if "from_device" not in detail and "from_ip" not in detail:
        return {}
    before = _stored_place(detail, "from", _("Before"))
    here = compare(here, before)
    both = here.is_new_address and here.is_new_device
    return {"places": (before, here), "alarms": both}


def _stored_place(detail: dict[str, Any], name: str, role: str) -> Place:
    address, label = detail.get(f"{name}_ip") or "", detail.get(f"{name}_device") or ""
    return Place(plain(str(address)), describe_label(str(label)), role)


def _reuse(event: AuthEvent) -> Entry:
    detail = event.detail
    holder = _stored_place(detail, "last", _("Had the session last"))
    other = compare(place_of_event(event, _("Presented the replaced token")), holder)
    places = tuple(place for place in (holder, other) if place.is_known)
    facts = []
    if {"presented", "current"} <= detail.keys():
        text = _("It was token number %(presented)s, and the session was at number %(current)s.")
        facts = [text % {name: plain(str(detail[name])) for name in ("presented", "current")}]
    what = _("Refresh token reused: one that had been replaced was presented. The session ended.")
    return _entry(event, what, *facts, places=places, alarms=True)


def _revoked(event: AuthEvent) -> Entry:
    actor = plain(event.actor.get_username()) if event.actor else plain(event.actor_key)
    count, note = event.detail.get("count"), plain(str(event.detail.get("note") or ""))
    facts = [
        _("By %(who)s.") % {"who": actor} if actor else "",
        _("Reason: %(reason)s.") % {"reason": describe_reason(event.reason)}
        if event.reason
        else "",
        _("Note: %(note)s") % {"note": note} if note else "",
    ]
    if _is_many(count):
        text = ngettext(
            "%(count)d session ended at once.", "%(count)d sessions ended at once.", count
        )
        facts.append(text % {"count": count})
    return _entry(event, _("Revoked."), *facts)


def _expired(event: AuthEvent) -> Entry:
    return _entry(event, _("Found expired."))


def _anything(event: AuthEvent) -> Entry:
    cells = describe_event(event)
    return _entry(event, cells["what"], cells["reason"], cells["detail"])


_TELLERS: dict[str, Callable[[AuthEvent], Entry]] = {
    EventType.LOGIN: _login,
    EventType.LOGIN_FAILED: _failed,
    EventType.STEP_UP: _step_up,
    EventType.LATE_ANSWER: _late,
    EventType.REPEATED_ELSEWHERE: _repeated,
    EventType.MOVED: _moved,
    EventType.REUSE: _reuse,
    EventType.REVOKED: _revoked,
    EventType.EXPIRED: _expired,
}
