"""How sessions and events read: one line of plain text for each fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, npgettext_lazy, pgettext

from tokenauth.accounts import end_of
from tokenauth.audit import clean
from tokenauth.devices import describe, describe_label
from tokenauth.models import AuthEvent, AuthSession, EndReason, EventType, RevokedReason
from tokenauth.selection import State

__all__ = [
    "STAFF_REASONS",
    "badge",
    "describe_agent",
    "describe_device",
    "describe_end",
    "describe_event",
    "describe_label",
    "describe_methods",
    "describe_reason",
    "describe_user",
    "exact",
    "plain",
    "relative",
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
    RevokedReason.DEACTIVATED: gettext_lazy("account deactivated"),
    RevokedReason.DELETED: gettext_lazy("account deleted"),
    RevokedReason.EMAIL: gettext_lazy("e-mail address changed"),
    RevokedReason.PERMISSIONS: gettext_lazy("permissions changed"),
    RevokedReason.LIMIT: gettext_lazy("too many sessions"),
    RevokedReason.REUSE: gettext_lazy("refresh token reused"),
    RevokedReason.REPORTED: gettext_lazy("reported by the user as not theirs"),
    EndReason.EXPIRED: gettext_lazy("expired"),
    **STAFF_REASONS,
}
# RFC 8176; what a project makes up itself is shown as it is.
_METHODS: Mapping[str, Promise] = {
    "pwd": gettext_lazy("password"),
    "otp": gettext_lazy("one-time code"),
    "sms": gettext_lazy("code by text message"),
    "tel": gettext_lazy("telephone call"),
    "mfa": gettext_lazy("several factors"),
    "mca": gettext_lazy("several channels"),
    "hwk": gettext_lazy("hardware key"),
    "swk": gettext_lazy("software key"),
    "sc": gettext_lazy("smart card"),
    "pop": gettext_lazy("proof of a key"),
    "pin": gettext_lazy("PIN"),
    "user": gettext_lazy("presence of the user"),
    "fpt": gettext_lazy("fingerprint"),
    "face": gettext_lazy("face"),
    "iris": gettext_lazy("iris scan"),
    "retina": gettext_lazy("retina scan"),
    "vbm": gettext_lazy("voice"),
    "geo": gettext_lazy("location"),
    "kba": gettext_lazy("security question"),
    "rba": gettext_lazy("risk assessment"),
    "wia": gettext_lazy("Windows sign-in"),
    "sso": gettext_lazy("single sign-on"),
}

# Django's own names of these stand alone; other languages inflect them here: "vor 3 Tagen".
_SPANS: dict[str, Any] = {
    "year": npgettext_lazy("ago or from now", "%(num)d year", "%(num)d years", "num"),
    "month": npgettext_lazy("ago or from now", "%(num)d month", "%(num)d months", "num"),
    "week": npgettext_lazy("ago or from now", "%(num)d week", "%(num)d weeks", "num"),
    "day": npgettext_lazy("ago or from now", "%(num)d day", "%(num)d days", "num"),
    "hour": npgettext_lazy("ago or from now", "%(num)d hour", "%(num)d hours", "num"),
    "minute": npgettext_lazy("ago or from now", "%(num)d minute", "%(num)d minutes", "num"),
}


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
    """Return what the user calls the device, or else its browser and system."""
    return plain(session.device_name) or describe_label(session.device)


def describe_agent(user_agent: str) -> str:
    """Return browser and system by a user agent; empty if it says nothing."""
    return describe_label(describe(user_agent).label)


def describe_methods(amr: Any) -> str:
    """Return in words how a user proved who they are; empty for what is no list of methods."""
    codes = map(str, amr) if isinstance(amr, list) else ()
    return ", ".join(str(_METHODS.get(code, plain(code))) for code in codes)


def exact(at: datetime) -> str:
    """Return a time to the second, in the time zone of the site."""
    local = at.astimezone(get_current_timezone())
    return f"{date_format(local, 'DATE_FORMAT')}, {local:%H:%M:%S} {local.tzname()}"


def relative(at: datetime, now: datetime) -> SafeString:
    """Return how long ago something was, or how soon it will be; exactly if pointed at."""
    if abs(now - at) < timedelta(minutes=1):
        text = _("just now") if at <= now else _("in less than a minute")
    elif at < now:
        text = _("%(time)s ago") % {"time": timesince(at, now, time_strings=_SPANS)}
    else:
        text = _("in %(time)s") % {"time": timeuntil(at, now, time_strings=_SPANS)}
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact(at), text)


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
        return "active", pgettext("session", "active")
    if ended is EndReason.EXPIRED:
        return "expired", _("expired")
    if session.revoked_at is None:
        return "revoked", _("ended: %(reason)s") % {"reason": ended.label}
    if not session.revoked_reason:
        return "revoked", _("revoked")
    return "revoked", _("revoked: %(reason)s") % {"reason": describe_reason(session.revoked_reason)}


def badge(session: AuthSession, now: datetime) -> SafeString:
    """Return :func:`describe_end` as a coloured label; one for lack of use says so."""
    kind, text = describe_end(session, now)
    if kind == "expired" and session.expires_at < session.absolute_expires_at:
        kind, text = "idle", str(State.IDLE.label)
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
        "device": describe_agent(event.user_agent),
        "detail": ", ".join(detail),
    }
