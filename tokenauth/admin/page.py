"""The page of one session: what staff need with its user on the telephone, and what happened."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth import system
from tokenauth.accounts import end_of
from tokenauth.admin.display import (
    badge,
    describe_device,
    describe_label,
    describe_methods,
    describe_reason,
    exact,
    plain,
    relative,
)
from tokenauth.admin.places import place_of
from tokenauth.admin.signs import signs_of
from tokenauth.admin.timeline import timeline_of
from tokenauth.audit import HISTORY_KEPT
from tokenauth.database import write_alias
from tokenauth.models import AuthEvent, AuthSession, DeviceKind

__all__ = ["MAX_SIBLINGS", "PAGE_FIELDS", "PAGE_FIELDSETS", "SessionPage", "page_context"]

MAX_SIBLINGS = 10
"""So many other sessions of the same user are shown, the newest."""

NOTHING = "-"

PAGE_FIELDS = (
    *("status_line", "device_line", "where_line", "methods_line", "seen_line", "end_line"),
    *("name_line", "reason_line", "note_line", "first_agent", "last_agent"),
)
"""What :class:`SessionPage` computes."""

PAGE_FIELDSETS: tuple[tuple[Any, Any], ...] = (
    (
        None,
        {
            "fields": (
                *("user", "status_line", "device_line", "where_line"),
                *("methods_line", "seen_line", "end_line"),
            )
        },
    ),
    (
        gettext_lazy("Details"),
        {
            "classes": ("collapse",),
            "fields": (
                ("client", "transport", "persistent"),
                ("name_line", "auth_time"),
                ("created_at", "last_seen_at"),
                ("expires_at", "absolute_expires_at"),
                ("first_ip", "first_agent"),
                ("last_ip", "last_agent"),
                ("generation", "rotated_at"),
                ("grace_count", "moves"),
                ("revoked_at", "revoked_by"),
                ("reason_line", "note_line"),
            ),
        },
    ),
)


def page_context(model_admin: Any, request: HttpRequest, session: AuthSession) -> dict[str, Any]:
    """Return what the template of the page shows beside the fields; in three queries.

    Args:
        model_admin: whose page it is.
        request: of a member of staff who may see it.
        session: loaded with its user.
    """
    now = system.now()
    return {
        "signs": signs_of(session),
        "timeline": timeline_of(session, now),
        "rotations_kept": HISTORY_KEPT,
        "siblings": _siblings(model_admin, session),
        "siblings_address": _address(model_admin, "authsession_changelist", user=session.user_id),
        "events_address": _events_address(model_admin, request, session),
    }


class SessionPage:
    """What the fields of the page show: plain text, in few words, whatever was stored."""

    @admin.display(description=gettext_lazy("status"))
    def status_line(self, session: AuthSession) -> SafeString:
        """Show whether it is active, and who ended it, why and when if it is not."""
        now = system.now()
        by = session.revoked_by.get_username() if session.revoked_by else ""
        parts = [
            badge(session, now),
            relative(session.revoked_at, now) if session.revoked_at else "",
            _("by %(who)s") % {"who": plain(by)} if by else "",
            plain(session.revoked_note),
        ]
        return format_html_join(" ", "{}", ((part,) for part in parts if part))

    @admin.display(description=gettext_lazy("device"))
    def device_line(self, session: AuthSession) -> SafeString:
        """Show the device: its name, browser and system, and what kind of thing it is."""
        label = describe_label(session.device)
        name = describe_device(session) or _("unknown")
        kinds = dict(DeviceKind.choices)
        parts = [label if label != name else "", kinds.get(session.device_kind, "")]
        more = ", ".join(str(part) for part in parts if part)
        line = format_html("{} ({})", name, more) if more else format_html("{}", name)
        if not session.new_device:
            return line
        new = _("new device")
        return format_html('{} <span class="tokenauth-status tokenauth-new">{}</span>', line, new)

    @admin.display(description=gettext_lazy("where"))
    def where_line(self, session: AuthSession) -> SafeString:
        """Show where it was last and, below it, where it began, if that is elsewhere."""
        last, first = _with_place(session.last_ip), _with_place(session.first_ip)
        if first == last or not first:
            return format_html("{}", last or _("unknown"))
        began = _("signed in at %(place)s") % {"place": first}
        return format_html_join(mark_safe("<br>"), "{}", ((last or _("unknown"),), (began,)))

    @admin.display(description=gettext_lazy("signed in by"))
    def methods_line(self, session: AuthSession) -> str:
        """Show how the user proved who they are, and when, if that was done again."""
        methods = describe_methods(session.amr) or _("not known")
        if session.auth_time == session.created_at:
            return methods
        return _("%(methods)s, on %(time)s") % {
            "methods": methods,
            "time": exact(session.auth_time),
        }

    @admin.display(description=gettext_lazy("last seen"))
    def seen_line(self, session: AuthSession) -> SafeString:
        """Show how long ago it was used, as far as that was recorded."""
        return relative(session.last_seen_at, system.now())

    @admin.display(description=gettext_lazy("ends"))
    def end_line(self, session: AuthSession) -> SafeString:
        """Show what will end it, and when."""
        now = system.now()
        if end_of(session, now) is not None:
            return format_html("{}", _("It has ended: no request can use it any more."))
        end, latest = relative(session.expires_at, now), session.absolute_expires_at
        if session.expires_at >= latest:
            return format_html(_("{end}, however much it is used"), end=end)
        return format_html(
            _("{end}, unless it is used before; {latest} at the latest"),
            end=end,
            latest=relative(latest, now),
        )

    @admin.display(description=gettext_lazy("device name"))
    def name_line(self, session: AuthSession) -> str:
        """Show what the user calls the device."""
        return plain(session.device_name) or NOTHING

    @admin.display(description=gettext_lazy("reason"))
    def reason_line(self, session: AuthSession) -> str:
        """Show why it was revoked."""
        return describe_reason(session.revoked_reason) or NOTHING

    @admin.display(description=gettext_lazy("note"))
    def note_line(self, session: AuthSession) -> str:
        """Show what staff wrote about it."""
        return plain(session.revoked_note) or NOTHING

    @admin.display(description=gettext_lazy("first browser"))
    def first_agent(self, session: AuthSession) -> str:
        """Show the user agent of the login."""
        return plain(session.first_user_agent) or NOTHING

    @admin.display(description=gettext_lazy("last browser"))
    def last_agent(self, session: AuthSession) -> str:
        """Show the user agent of the last rotation."""
        return plain(session.last_user_agent) or NOTHING


def _with_place(address: str | None) -> str:
    return ", ".join(filter(None, (address, place_of(address))))


def _siblings(model_admin: Any, session: AuthSession) -> list[dict[str, Any]]:
    """Return the lines about the same user's other sessions, the newest first."""
    if session.user_id is None:
        return []
    rows = AuthSession.objects.using(write_alias()).filter(user_id=session.user_id)
    now, lines = system.now(), []
    for row in rows.exclude(pk=session.pk).order_by("-created_at")[:MAX_SIBLINGS]:
        # The same user: loaded once, and judged as this session's is.
        row.user = session.user
        row.user_visible = getattr(session, "user_visible", True)  # type: ignore[attr-defined]
        lines.append(
            {
                "device": describe_device(row) or _("unknown"),
                "status": badge(row, now),
                "where": _with_place(row.last_ip),
                "created": relative(row.created_at, now),
                "seen": relative(row.last_seen_at, now),
                "address": _address(model_admin, "authsession_change", quote(row.pk)),
            }
        )
    return lines


def _events_address(model_admin: Any, request: HttpRequest, session: AuthSession) -> str:
    """Return where all events of the session are listed; empty for those who may not see it."""
    registered = model_admin.admin_site.is_registered(AuthEvent)
    if not registered or not request.user.has_perm("tokenauth.view_authevent"):
        return ""
    return _address(model_admin, "authevent_changelist", q=session.pk)


def _address(model_admin: Any, page: str, *keys: Any, **query: Any) -> str:
    name = f"{model_admin.admin_site.name}:tokenauth_{page}"
    return reverse(name, args=keys, query=query or None)
