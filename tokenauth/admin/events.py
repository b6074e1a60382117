"""The audit trail, as a list that can only be read, filtered and exported."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth.admin.display import STAFF_REASONS, describe_event, describe_reason, plain
from tokenauth.admin.export import export
from tokenauth.admin.filters import ChoiceFilter
from tokenauth.admin.paging import BoundedPaginator
from tokenauth.admin.periods import EventTimeFilter
from tokenauth.admin.readonly import ReadOnlyAdmin
from tokenauth.admin.search import search_events
from tokenauth.admin.wording import describe_detail
from tokenauth.models import ALARMS, AuthEvent, AuthSession, EndReason, EventType, RevokedReason

__all__ = ["AlarmFilter", "AuthEventAdmin", "EventReasonFilter", "EventTypeFilter"]


class EventTypeFilter(ChoiceFilter):
    """By what happened."""

    title = gettext_lazy("event")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return every kind of event."""
        return list(EventType.choices)

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the events of the chosen kind."""
        return rows.filter(type=value)


class EventReasonFilter(ChoiceFilter):
    """By why it happened."""

    title = gettext_lazy("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the reasons of this package; one of a project's own may stand in the address."""
        codes = [code for name, code in vars(RevokedReason).items() if name.isupper()]
        found = dict.fromkeys([*codes, EndReason.EXPIRED.value, *STAFF_REASONS])
        return [(code, describe_reason(code)) for code in found]

    def accepts(self, value: str) -> bool:
        """Whether it is one printable line; a database refuses some of the others."""
        return value.isprintable()

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the events with the chosen reason."""
        return rows.filter(reason=value)


class AlarmFilter(ChoiceFilter):
    """Only what somebody should look at."""

    title = gettext_lazy("alarms")
    parameter_name = "alarms"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice beside all of them."""
        return [("only", _("Alarms only"))]

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the alarms."""
        return rows.filter(type__in=ALARMS)


class AuthEventAdmin(ReadOnlyAdmin):
    """Events, the newest first. Seen and exported with the permission ``view_authevent``."""

    list_display = (
        *("created_at", "what", "owner", "session_link", "doer", "reason_text"),
        *("ip", "device", "detail_text"),
    )
    list_display_links = ("created_at",)
    list_filter = (AlarmFilter, EventTypeFilter, EventTimeFilter, EventReasonFilter)
    list_select_related = ("user", "actor")
    change_list_template = "admin/tokenauth/authevent/change_list.html"
    filters_allowed = frozenset({"alarms", "type", "reason", *EventTimeFilter.names()})
    paginator = BoundedPaginator
    # By time, as the indexes are: a filter by time is then one range of one of them.
    ordering = ("-created_at", "-id")
    search_fields = ("id",)  # shows the box; get_search_results() says what is searched
    search_help_text = gettext_lazy(
        "A user's name, e-mail address or key, a session's id, or an IP address."
    )
    readonly_fields = (
        *("what", "owner", "doer", "session_link", "reason_text", "agent", "detail_text"),
    )
    fields = (
        *("created_at", "what", "reason_text", "user", "owner", "actor", "doer"),
        *("session_link", "ip", "agent", "detail_text"),
    )

    class Media:
        css = {"all": ["tokenauth/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Load each event with whose account it is about and who did it, in one query."""
        return super().get_queryset(request).select_related("user", "actor")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the columns; those who may not see a session get no link to it."""
        return self._linked(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the fields of the page of one event, likewise."""
        return self._linked(request, self.fields)

    def _linked(self, request: HttpRequest, names: tuple[str, ...]) -> tuple[str, ...]:
        sessions = "tokenauth.view_authsession"
        if request.user.has_perm(sessions) and self.admin_site.is_registered(AuthSession):
            return names
        return tuple("session_id" if name == "session_link" else name for name in names)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by what may be seen in an address."""
        return search_events(queryset, search_term.strip()), False

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with that of the export."""
        exporting = path(
            "export/",
            self.admin_site.admin_view(self.export_view),
            name="tokenauth_authevent_export",
        )
        return [*self.guarded([exporting]), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a POST with the events that are filtered, as CSV.

        Raises:
            PermissionDenied: not for this member of staff.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        # By POST, because it leaves an entry in the history: no link that is followed in advance,
        # and no other site, can make one.
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return export(self, request)

    @admin.display(description=gettext_lazy("event"), ordering="type")
    def what(self, event: AuthEvent) -> str:
        """Show what happened; an alarm is marked."""
        text = str(describe_event(event)["what"])
        if event.type not in ALARMS:
            return text
        return format_html(
            '<span class="tokenauth-status tokenauth-event-alarm">{}: {}</span>', _("Alarm"), text
        )

    @admin.display(description=gettext_lazy("user"))
    def owner(self, event: AuthEvent) -> str:
        """Show whose account it is about: the name, or the key that outlives the account."""
        return _name(event.user, event.user_key)

    @admin.display(description=gettext_lazy("session"))
    def session_link(self, event: AuthEvent) -> str | SafeString:
        """Show the session's id, as a link to its page."""
        if event.session_id is None:
            return ""
        name = f"{self.admin_site.name}:tokenauth_authsession_change"
        address = reverse(name, args=[quote(event.session_id)])
        return format_html('<a href="{}">{}</a>', address, event.session_id)

    @admin.display(description=gettext_lazy("by"))
    def doer(self, event: AuthEvent) -> str:
        """Show who did it, if it was a person."""
        return _name(event.actor, event.actor_key)

    @admin.display(description=gettext_lazy("reason"))
    def reason_text(self, event: AuthEvent) -> str:
        """Show why."""
        return describe_reason(event.reason)

    @admin.display(description=gettext_lazy("device"))
    def device(self, event: AuthEvent) -> str:
        """Show the user agent, shortly."""
        return str(describe_event(event)["device"])

    @admin.display(description=gettext_lazy("browser"))
    def agent(self, event: AuthEvent) -> str:
        """Show the user agent."""
        return plain(event.user_agent)

    @admin.display(description=gettext_lazy("detail"))
    def detail_text(self, event: AuthEvent) -> str:
        """Show further facts."""
        return describe_detail(event.detail)


def _name(user: Any, key: str) -> str:
    return plain(user.get_username()) if user is not None else plain(key)
