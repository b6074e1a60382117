"""The columns and filters of the list of sessions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth import system
from tokenauth.admin.display import (
    STAFF_REASONS,
    badge,
    describe_device,
    describe_reason,
    describe_user,
)
from tokenauth.conf import config
from tokenauth.models import AuthSession, RevokedReason

__all__ = ["ClientFilter", "ReasonFilter", "SessionColumns"]


class ClientFilter(admin.SimpleListFilter):
    """By client, as configured: without reading the table for its choices."""

    title = gettext_lazy("client")
    parameter_name = "client"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the names of ``TOKENAUTH_CLIENTS``."""
        return [(name, name) for name in config.clients]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sessions of the chosen client."""
        return queryset.filter(client=self.value()) if self.value() else queryset


class ReasonFilter(admin.SimpleListFilter):
    """By the reason of a revocation."""

    title = gettext_lazy("reason of revocation")
    parameter_name = "revoked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the reasons of this package; a project's own are found on the page."""
        codes = [code for name, code in vars(RevokedReason).items() if name.isupper()]
        return [
            ("no", _("not revoked")),
            *((code, describe_reason(code)) for code in dict.fromkeys([*codes, *STAFF_REASONS])),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sessions that were revoked so."""
        if self.value() == "no":
            return queryset.filter(revoked_at__isnull=True)
        return queryset.filter(revoked_reason=self.value()) if self.value() else queryset


class SessionColumns:
    """What a session's cells show: plain text, in one line, whatever was stored."""

    @admin.display(description=gettext_lazy("user"))
    def user_name(self, session: AuthSession) -> str:
        """Show the user's name."""
        return describe_user(session)

    @admin.display(description=gettext_lazy("device"), empty_value="-")
    def device_text(self, session: AuthSession) -> str:
        """Show the device's name, or its browser and system."""
        return describe_device(session)

    @admin.display(description=gettext_lazy("status"))
    def status(self, session: AuthSession) -> SafeString:
        """Show whether the session is active, expired or revoked, and why."""
        return badge(session, system.now())

    @admin.display(description=gettext_lazy("addresses"))
    def addresses(self, session: AuthSession) -> SafeString:
        """Show where the session began and, below it, where it was last, if that is elsewhere."""
        found = dict.fromkeys(filter(None, (session.first_ip, session.last_ip)))
        return format_html_join(mark_safe("<br>"), "{}", ((ip,) for ip in found))
