"""The columns of the list of sessions."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth import system
from tokenauth.admin.display import (
    badge,
    describe_device,
    describe_methods,
    describe_user,
    relative,
)
from tokenauth.admin.places import place_of
from tokenauth.models import AuthSession, DeviceKind
from tokenauth.suspicion import suspicions_of

__all__ = ["SessionColumns"]

_MARK = '<span class="tokenauth-mark tokenauth-kind-{}">{}</span>'
_WARNING = '<span class="tokenauth-mark tokenauth-suspicious">{}</span>'


class SessionColumns:
    """What a session's cells show: plain text, in one line, whatever was stored."""

    @admin.display(description=gettext_lazy("user"))
    def user_name(self, session: AuthSession) -> str:
        """Show the user's name."""
        return describe_user(session)

    def linked_user(self, site: admin.AdminSite) -> Callable[[AuthSession], str]:
        """Return the column of users with links to their pages, for staff who may open those.

        Args:
            site: the admin that has the pages.
        """
        options = get_user_model()._meta
        address = f"{site.name}:{options.app_label}_{options.model_name}_change"

        @admin.display(description=gettext_lazy("user"))
        def user_name(session: AuthSession) -> str:
            if session.user is None:
                return describe_user(session)
            page = reverse(address, args=[quote(session.user.pk)])
            return format_html('<a href="{}">{}</a>', page, describe_user(session))

        return user_name

    @admin.display(description=gettext_lazy("device"))
    def device_text(self, session: AuthSession) -> SafeString:
        """Show the device's name, or its browser and system, and what kind it is of."""
        name = describe_device(session) or _("unknown device")
        kinds = [kind for kind in DeviceKind if kind == session.device_kind]
        marks = [(kind.value, str(kind.label)) for kind in kinds]
        if session.new_device:
            marks.append(("new", _("new device")))
        return format_html("{} {}", name, format_html_join("", _MARK, marks))

    @admin.display(description=gettext_lazy("status"))
    def status(self, session: AuthSession) -> SafeString:
        """Show whether the session is active, expired or revoked, and why it is worth a look."""
        warnings = [
            (_("suspicious: %(reason)s") % {"reason": suspicion.label},)
            for suspicion in suspicions_of(session)
        ]
        label = badge(session, system.now())
        return format_html("{} {}", label, format_html_join("", _WARNING, warnings))

    @admin.display(description=gettext_lazy("signed in by"))
    def sign_in(self, session: AuthSession) -> str:
        """Show in words how the user proved who they are."""
        return describe_methods(session.amr) or "-"

    @admin.display(description=gettext_lazy("addresses"))
    def addresses(self, session: AuthSession) -> SafeString:
        """Show where the session began and, below it, where it was last, if that is elsewhere."""
        found = dict.fromkeys(filter(None, (session.first_ip, session.last_ip)))
        lines = [f"{ip} ({place})" if (place := place_of(ip)) else ip for ip in found]
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines))

    @admin.display(description=gettext_lazy("created"), ordering="id")
    def created(self, session: AuthSession) -> SafeString:
        """Show how long ago the session began. Ids are in that order."""
        return relative(session.created_at, system.now())

    @admin.display(description=gettext_lazy("last seen"))
    def last_seen(self, session: AuthSession) -> SafeString:
        """Show how long ago it was last used."""
        return relative(session.last_seen_at, system.now())

    @admin.display(description=gettext_lazy("ends"))
    def ends(self, session: AuthSession) -> SafeString:
        """Show when it ends unless it is used, or when it has ended."""
        return relative(session.revoked_at or session.expires_at, system.now())

    @admin.display(description=gettext_lazy("ends at the latest"), ordering="absolute_expires_at")
    def latest_end(self, session: AuthSession) -> SafeString:
        """Show when it ends however much it is used."""
        return relative(session.absolute_expires_at, system.now())
