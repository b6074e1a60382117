"""How sessions and events read: one line of plain text for each fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth.accounts import end_of
from tokenauth.audit import clean
from tokenauth.models import AuthEvent, AuthSession, EndReason, EventType, RevokedReason

__all__ = [
    "STAFF_REASONS",
    "badge",
    "describe_device",
    "describe_end",
    "describe_event",
    "describe_reason",
    "describe_user",
    "plain",
    "shorten_user_agent",
]

STAFF_REASONS: Mapping[str, Promise] = {
    RevokedReason.ADMIN: gettext_lazy("administrative"),
    "requested": gettext_lazy("asked for by the user"),
    "lost": gettext_lazy("device lost or stolen"),
    "suspicious": gettext_lazy("suspicious activity"),
}
"""Why staff end a session: what is stored, and what is read."""

_REASONS: Mapping[str, Promise] = {
    RevokedReason.LOGOUT: gettext_lazy("logout"),
    RevokedReason.REPLACED: gettext_lazy("replaced by a new login"),
    RevokedReason.USER: gettext_lazy("revoked by the user"),
    RevokedReason.ACCOUNT: gettext_lazy("account changed"),
    RevokedReason.PASSWORD: gettext_lazy("password changed"),
    RevokedReason.REUSE: gettext_lazy("refresh token reused"),
    EndReason.EXPIRED: gettext_lazy("expired"),
    **STAFF_REASONS,
}
# The more particular name first: Edge calls itself Chrome and Safari too.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_SHORT = 40


def plain(text: str) -> str:
    """Return ``text`` as one printable line, whatever was stored, by whatever way.

    A bidirectional override could make the row of one device read as another's.
    """
    return clean(text, len(text))


def describe_user(session: AuthSession) -> str:
    """Return the name of a session's user, or that the account has been deleted."""
    if session.user is None:
        return _("(deleted user)")
    return plain(session.user.get_username())


def describe_device(session: AuthSession) -> str:
    """Return what the user calls the device, or else a short form of its last user agent."""
    return plain(session.device_name) or shorten_user_agent(session.last_user_agent)


def shorten_user_agent(user_agent: str) -> str:
    """Return ``Firefox, Linux`` for a browser's user agent, else its first 40 characters.

    It is the client's own word: a help for recognising a device, never proof of it.
    """
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), None)
    if browser is None:
        return clean(user_agent, _SHORT)
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), None)
    return f"{browser}, {system}" if system else browser


def describe_reason(code: str) -> str:
    """Return why something was ended; a code that the project made up is shown as it is."""
    return str(_REASONS[code]) if code in _REASONS else plain(code)


def describe_end(session: AuthSession, now: datetime) -> tuple[str, str]:
    """Return ``active``, ``expired`` or ``revoked``, and the same with its reason for people.

    By the rule that requests are judged by: a session that no request may use is never active.

    Args:
        session: loaded with its user, by ``with_user()``.
        now: the time to judge by.
    """
    ended = end_of(session, now)
    if ended is None:
        return "active", _("active")
    if ended is EndReason.EXPIRED:
        return "expired", _("expired")
    if session.revoked_at is None:
        return "revoked", _("ended: %(reason)s") % {"reason": ended.label}
    if not session.revoked_reason:
        return "revoked", _("revoked")
    return "revoked", _("revoked: %(reason)s") % {"reason": describe_reason(session.revoked_reason)}


def badge(session: AuthSession, now: datetime) -> SafeString:
    """Return :func:`describe_end` as a coloured label, for a column."""
    kind, text = describe_end(session, now)
    return format_html('<span class="tokenauth-status tokenauth-{}">{}</span>', kind, text)


def describe_event(event: AuthEvent) -> dict[str, Any]:
    """Return the cells of one line of a timeline.

    Args:
        event: loaded with its actor.
    """
    known = event.type in EventType.values
    actor = plain(event.actor.get_username()) if event.actor else plain(event.actor_key)
    detail = [f"{plain(name)}: {plain(str(value))}" for name, value in sorted(event.detail.items())]
    return {
        "at": event.created_at,
        "what": EventType(event.type).label if known else plain(event.type),
        "reason": describe_reason(event.reason),
        "actor": actor,
        "ip": event.ip or "",
        "device": shorten_user_agent(event.user_agent),
        "detail": ", ".join(detail),
    }
