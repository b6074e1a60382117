"""The audit trail, as a list that can only be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from tokenauth.admin.display import describe_event, plain
from tokenauth.admin.readonly import ReadOnlyAdmin
from tokenauth.admin.search import search_events
from tokenauth.models import AuthEvent

__all__ = ["AuthEventAdmin"]


class AuthEventAdmin(ReadOnlyAdmin):
    """Events, the newest first. Seen with the permission ``view_authevent``."""

    list_display = ("created_at", "what", "owner", "session_id", "reason_text", "ip")
    search_fields = ("id",)  # shows the box; get_search_results() says what is searched
    search_help_text = gettext_lazy("A user's key, a session's id, or an IP address.")
    readonly_fields = ("what", "owner", "doer", "reason_text", "agent", "detail_text")
    fields = (
        *("created_at", "what", "reason_text", "user", "owner", "actor", "doer"),
        *("session_id", "ip", "agent", "detail_text"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by what may be seen in an address."""
        return search_events(queryset, search_term.strip()), False

    @admin.display(description=gettext_lazy("event"))
    def what(self, event: AuthEvent) -> str:
        """Show what happened."""
        return str(describe_event(event)["what"])

    @admin.display(description=gettext_lazy("user key"))
    def owner(self, event: AuthEvent) -> str:
        """Show the key of whose account it is about, which outlives the account."""
        return plain(event.user_key)

    @admin.display(description=gettext_lazy("actor key"))
    def doer(self, event: AuthEvent) -> str:
        """Show the key of who did it."""
        return plain(event.actor_key)

    @admin.display(description=gettext_lazy("reason"))
    def reason_text(self, event: AuthEvent) -> str:
        """Show why."""
        return str(describe_event(event)["reason"])

    @admin.display(description=gettext_lazy("browser"))
    def agent(self, event: AuthEvent) -> str:
        """Show the user agent."""
        return plain(event.user_agent)

    @admin.display(description=gettext_lazy("detail"))
    def detail_text(self, event: AuthEvent) -> str:
        """Show further facts."""
        return str(describe_event(event)["detail"])
