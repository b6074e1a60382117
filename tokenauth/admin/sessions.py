"""The list of sessions, the page of one, and revoking them."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tokenauth import system
from tokenauth.admin import confirmation, revoking
from tokenauth.admin.columns import SessionColumns
from tokenauth.admin.display import describe_user
from tokenauth.admin.filters import FILTERS, PARAMETERS
from tokenauth.admin.finding import find_by_token
from tokenauth.admin.forms import MAX_SELECTED, RevokeForm, as_key
from tokenauth.admin.many import BulkRevocation
from tokenauth.admin.overview import overview
from tokenauth.admin.page import PAGE_FIELDS, PAGE_FIELDSETS, SessionPage, page_context
from tokenauth.admin.paging import BoundedPaginator, SessionList
from tokenauth.admin.readonly import ReadOnlyAdmin, as_uuid
from tokenauth.admin.search import search_sessions
from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthSession, SessionQuerySet
from tokenauth.selection import State

__all__ = ["AuthSessionAdmin"]

_OF_A_USER = frozenset({"user", "user__exact"})


class AuthSessionAdmin(BulkRevocation, SessionColumns, SessionPage, ReadOnlyAdmin):
    """Sessions, the newest first.

    Seen with the permission ``view_authsession``; revoked with ``revoke_authsession`` as well.
    """

    actions = ("revoke_selected", "revoke_users", "revoke_older")
    change_form_template = "admin/tokenauth/authsession/change_form.html"
    change_list_template = "admin/tokenauth/authsession/change_list.html"
    filters_allowed = PARAMETERS | _OF_A_USER
    list_display = (
        *("user_name", "device_text", "status", "last_seen", "addresses"),
        *("created", "client", "sign_in", "ends", "latest_end"),
    )
    list_display_links = ("device_text",)
    list_filter = FILTERS
    paginator = BoundedPaginator
    search_fields = ("id",)  # shows the box; get_search_results() says what is searched
    search_help_text = gettext_lazy(
        "How a user's name begins, an e-mail address or its beginning up to the @, an IP address "
        "or a network such as 10.1.0.0/16, or the id of a session."
    )
    sortable_by = ("created", "latest_end")
    readonly_fields = PAGE_FIELDS
    fieldsets = PAGE_FIELDSETS

    class Media:
        css = {"all": ["tokenauth/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> SessionQuerySet:
        """Load each session with its user, in one query: the status depends on the account."""
        sessions = cast("SessionQuerySet", super().get_queryset(request))
        return sessions.with_user()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse as a user's key what is none.

        Raises:
            IncorrectLookupParameters: so Django answers what is no number, but on some databases
                not what is too large for one.
        """
        if lookup in _OF_A_USER:
            try:
                as_key(get_user_model()._meta.pk, value)
            except ValidationError:
                raise IncorrectLookupParameters from None
        return super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SessionList]:
        """List by indexes."""
        return SessionList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Link the users for whoever may open their pages."""
        columns: list[Any] = [*super().get_list_display(request)]
        users, site = get_user_model(), self.admin_site
        may_open = site.is_registered(users) and site.get_model_admin(users).has_view_permission(
            request
        )
        if may_open and "user_name" in columns:
            columns[columns.index("user_name")] = self.linked_user(site)
        return columns

    def get_ordering(self, request: HttpRequest) -> Any:
        """Show the newest first; of the expired ones, which are old, those that ended last."""
        expired = request.GET.get("status") == State.EXPIRED
        return ["-absolute_expires_at"] if expired else super().get_ordering(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by what may be seen in an address, never by a secret column."""
        return search_sessions(cast("SessionQuerySet", queryset), search_term.strip()), False

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with the overview and the question before a session is revoked."""
        revoke = path(
            "<path:object_id>/revoke/",
            self.admin_site.admin_view(self.revoke_view),
            name="tokenauth_authsession_revoke",
        )
        find = path(
            "find-by-token/",
            self.admin_site.admin_view(self.find_by_token_view),
            name="tokenauth_authsession_find_by_token",
        )
        figures = path(
            "overview/",
            self.admin_site.admin_view(self.overview_view),
            name="tokenauth_authsession_overview",
        )
        return [*self.guarded([find, revoke, figures]), *super().get_urls()]

    def find_by_token_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a token, and go to its session."""
        return find_by_token(request, self)

    def overview_view(self, request: HttpRequest) -> HttpResponse:
        """Show what happens to sessions, in figures and plots.

        Raises:
            PermissionDenied: not for this member of staff.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        return overview(self, request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add to the page of one session what happened in it, and the user's other sessions."""
        session: AuthSession = kwargs["obj"]
        may = self.has_revoke_permission(request)
        may = may and revoking.can_end_sessions_of(request, session.user)
        is_over = session.revoked_at is not None or session.expires_at <= system.now()
        context["can_revoke"] = may and not is_over
        context["can_revoke_others"] = may and session.user is not None
        context |= page_context(self, request, session)
        return super().render_change_form(request, context, *args, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run an action on the rows that were selected; what is no id at all is left out."""
        data = request.POST.copy()
        selected = data.getlist(ACTION_CHECKBOX_NAME)
        data.setlist(ACTION_CHECKBOX_NAME, [text for text in selected if as_uuid(text)])
        request.POST = cast("Any", data)
        return super().response_action(request, queryset, *args, **kwargs)

    @admin.action(permissions=["revoke"], description=gettext_lazy("Revoke selected sessions"))
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask, and once that is answered, revoke the sessions that were selected."""
        selected = list(queryset[: MAX_SELECTED + 1])
        if len(selected) > MAX_SELECTED:
            text = _("Please select at most %(count)d sessions.")
            messages.error(request, text % {"count": MAX_SELECTED})
            return None
        allowed = [row for row in selected if revoking.can_end_sessions_of(request, row.user)]
        others = [row for row in allowed if row.user_id != request.user.pk]
        form = confirmation.submitted_form(request, own=len(others) < len(allowed))
        if allowed and not form.is_valid():
            return self._ask(request, form, selected, allowed, action="revoke_selected")
        revoking.tell_left_alone(request, len(selected) - len(allowed))
        if allowed and not form.includes_own:
            revoking.tell_own_left_alone(request, len(allowed) - len(others))
            allowed = others
        if allowed:
            self._revoke(request, allowed, form)
        return None

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, and once that is answered, revoke one session.

        Raises:
            PermissionDenied: not for this member of staff, or not this user's session.
            Http404: there is no such session.
        """
        if not self.has_revoke_permission(request):
            raise PermissionDenied
        session = self.get_object(request, unquote(object_id))
        if session is None:
            raise Http404
        if not revoking.can_end_sessions_of(request, session.user):
            raise PermissionDenied
        form = confirmation.submitted_form(request)
        if request.method == "POST" and form.is_valid():
            self._revoke(request, [session], form)
            return HttpResponseRedirect(self._address(session))
        return self._ask(request, form, [session], [session], back=self._address(session))

    def _revoke(self, request: HttpRequest, sessions: list[AuthSession], form: RevokeForm) -> None:
        try:
            revoking.tell_count(request, revoking.end_listed(request, sessions, form))
        except TryAgain:
            messages.error(request, _("The database was busy. Nothing was revoked: try again."))

    def _ask(
        self,
        request: HttpRequest,
        form: RevokeForm,
        selected: list[AuthSession],
        allowed: list[AuthSession],
        **more: Any,
    ) -> HttpResponse:
        count = len(allowed)
        title = ngettext("Revoke %(count)d session?", "Revoke %(count)d sessions?", count)
        return confirmation.ask(
            self,
            request,
            form,
            title=title % {"count": count},
            rows=[(row.pk, confirmation.describe_line(row)) for row in allowed],
            left_alone=[describe_user(row) for row in selected if row not in allowed],
            **{"back": request.path, **more},
        )

    def _address(self, session: AuthSession) -> str:
        name = f"{self.admin_site.name}:tokenauth_authsession_change"
        return reverse(name, args=[quote(session.pk)])
