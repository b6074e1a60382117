"""The list of sessions, the page of one, and revoking them."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tokenauth import system
from tokenauth.admin import confirmation, revoking
from tokenauth.admin.columns import ClientFilter, ReasonFilter, SessionColumns
from tokenauth.admin.display import (
    describe_device,
    describe_event,
    describe_user,
    shorten_user_agent,
)
from tokenauth.admin.overview import overview
from tokenauth.admin.readonly import ReadOnlyAdmin, as_uuid
from tokenauth.admin.search import search_sessions
from tokenauth.audit import HISTORY_KEPT
from tokenauth.database import write_alias
from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken, SessionQuerySet

__all__ = ["AuthSessionAdmin"]

MAX_EVENTS = 100
"""So many events of a session are shown at most, the newest."""


class AuthSessionAdmin(SessionColumns, ReadOnlyAdmin):
    """Sessions, the newest first.

    Seen with the permission ``view_authsession``; revoked with ``revoke_authsession`` as well.
    """

    actions = ("revoke_selected",)
    change_form_template = "admin/tokenauth/authsession/change_form.html"
    filters_allowed = frozenset({"client", "revoked", "user", "user__exact"})
    list_display = (
        *("user_name", "client", "device_text", "status"),
        *("addresses", "last_seen_at", "expires_at"),
    )
    list_filter = (ClientFilter, ReasonFilter)
    search_fields = ("id",)  # shows the box; get_search_results() says what is searched
    search_help_text = gettext_lazy("The user's name or e-mail address, an IP address, or an id.")
    readonly_fields = (
        *("status", "device_line", "reason_line", "note_line"),
        *("amr_line", "first_agent", "last_agent"),
    )
    fieldsets = (
        (
            None,
            {"fields": (("user", "status"), ("device_line", "client", "transport"))},
        ),
        (
            gettext_lazy("Revocation"),
            {"fields": (("revoked_at", "revoked_by"), ("reason_line", "note_line"))},
        ),
        (
            gettext_lazy("Time"),
            {
                "fields": (
                    ("created_at", "last_seen_at"),
                    ("expires_at", "absolute_expires_at", "persistent"),
                    ("auth_time", "amr_line"),
                )
            },
        ),
        (
            gettext_lazy("Origin"),
            {"fields": (("first_ip", "first_agent"), ("last_ip", "last_agent"))},
        ),
        (
            gettext_lazy("Rotation"),
            {"fields": (("generation", "rotated_at", "grace_count"),)},
        ),
    )

    class Media:
        css = {"all": ["tokenauth/admin.css"]}

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever revokes here must also be allowed to see what it is."""
        return self.has_view_permission(request) and revoking.has_revoke_permission(request)

    def get_queryset(self, request: HttpRequest) -> SessionQuerySet:
        """Load each session with its user, in one query: the status depends on the account."""
        sessions = cast("SessionQuerySet", super().get_queryset(request))
        return sessions.with_user()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by what may be seen in an address, never by a secret column."""
        return search_sessions(queryset, search_term.strip()), False

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with the overview and the question before a session is revoked."""
        revoke = path(
            "<path:object_id>/revoke/",
            self.admin_site.admin_view(self.revoke_view),
            name="tokenauth_authsession_revoke",
        )
        figures = path(
            "overview/",
            self.admin_site.admin_view(self.overview_view),
            name="tokenauth_authsession_overview",
        )
        return [*self.guarded([revoke, figures]), *super().get_urls()]

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
        """Add to the page of one session its history and its events, read-only."""
        session: AuthSession = kwargs["obj"]
        context["can_revoke"] = (
            session.revoked_at is None
            and session.expires_at > system.now()
            and self.has_revoke_permission(request)
            and revoking.can_end_sessions_of(request, session.user)
        )
        context["rotations"] = _rotations(session)
        context["events"] = _events(session)
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
        selected = list(queryset[: revoking.MAX_SELECTED + 1])
        if len(selected) > revoking.MAX_SELECTED:
            text = _("Please select at most %(count)d sessions.")
            messages.error(request, text % {"count": revoking.MAX_SELECTED})
            return None
        allowed = [row for row in selected if revoking.can_end_sessions_of(request, row.user)]
        form = confirmation.submitted_form(request)
        if allowed and not form.is_valid():
            return self._ask(request, form, selected, allowed, action="revoke_selected")
        revoking.tell_left_alone(request, len(selected) - len(allowed))
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

    def _revoke(
        self, request: HttpRequest, sessions: list[AuthSession], form: revoking.RevokeForm
    ) -> None:
        try:
            revoking.tell_count(request, revoking.end_listed(request, sessions, form))
        except TryAgain:
            messages.error(request, _("The database was busy. Nothing was revoked: try again."))

    def _ask(
        self,
        request: HttpRequest,
        form: revoking.RevokeForm,
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
            rows=[(row.pk, self._line(row)) for row in allowed],
            left_alone=[describe_user(row) for row in selected if row not in allowed],
            **{"back": request.path, **more},
        )

    def _line(self, session: AuthSession) -> str:
        return ", ".join(
            filter(
                None,
                (describe_user(session), describe_device(session), session.last_ip, session.client),
            )
        )

    def _address(self, session: AuthSession) -> str:
        name = f"{self.admin_site.name}:tokenauth_authsession_change"
        return reverse(name, args=[quote(session.pk)])


def _rotations(session: AuthSession) -> list[dict[str, Any]]:
    rows = RefreshToken.objects.using(write_alias()).filter(session_id=session.pk)
    return [
        {
            "generation": row.generation,
            "at": row.issued_at,
            "ip": row.ip or "",
            "device": shorten_user_agent(row.user_agent),
        }
        for row in rows.order_by("-generation")[:HISTORY_KEPT]
    ]


def _events(session: AuthSession) -> list[dict[str, Any]]:
    """Return the events of a session, and the one that ended all of its user's at once."""
    about = Q(session_id=session.pk)
    if session.revoked_at and session.user_id is not None:
        about |= Q(
            session_id__isnull=True,
            type=EventType.REVOKED,
            user_id=session.user_id,
            created_at=session.revoked_at,
        )
    rows = AuthEvent.objects.using(write_alias()).filter(about).select_related("actor")
    return [describe_event(row) for row in rows.order_by("-created_at", "-id")[:MAX_EVENTS]]
