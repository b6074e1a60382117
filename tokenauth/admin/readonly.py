"""Pages that only show, and that no secret passes through.

Staff who debug a client paste its token into the search box. The address of the answer would then
be in the browser's history, the server's access log and every link of the page
(django-oauth-toolkit #1736), so such an address is left at once.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from tokenauth.audit import holds_token
from tokenauth.database import write_alias

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
elif apps.is_installed("unfold"):
    # Its templates read attributes that only its own class has.
    from unfold.admin import ModelAdmin
else:
    ModelAdmin = admin.ModelAdmin

__all__ = ["ReadOnlyAdmin", "as_address", "as_uuid"]


def as_uuid(text: str) -> uuid.UUID | None:
    """Return the id that ``text`` spells, if it does."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def as_address(text: str) -> str | None:
    """Return the IP address that ``text`` spells, as it is stored, if it does."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


class ReadOnlyAdmin(ModelAdmin):
    """Nothing is added, changed or deleted, by no button, action or tampered request.

    Its views run outside ``ATOMIC_REQUESTS``: what staff end stays ended, even if the page that
    says so fails.
    """

    filters_allowed: frozenset[str] = frozenset()
    list_per_page = 50
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds: a session comes from a login, an event from what happened."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes: the trace that reuse detection and staff need would be gone."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse filters that the page does not offer.

        Django lets the address filter by every column of the row itself, and
        ``?auth_hash__startswith=a`` would give the hash away, one character for each question.
        """
        return lookup in self.filters_allowed

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read where sessions are written: a replica shows what has just been revoked as active."""
        return super().get_queryset(request).using(write_alias())

    def get_urls(self) -> list[URLPattern]:
        """Return the pages' addresses."""
        return self.guarded(super().get_urls())

    def guarded(self, patterns: list[URLPattern]) -> list[URLPattern]:
        """Let the views of these addresses refuse tokens and run outside ``ATOMIC_REQUESTS``."""
        outside_transactions = transaction.non_atomic_requests(using=write_alias())
        for pattern in patterns:
            pattern.callback = outside_transactions(self._refusing_tokens(pattern.callback))
        return patterns

    def _refusing_tokens(self, view: Callable[..., HttpResponseBase]) -> Callable[..., Any]:
        @functools.wraps(view)
        def refuse_or_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Before the login page too: it would carry the address along as ?next=.
            return self._without_tokens(request) or view(request, *args, **kwargs)

        return refuse_or_view

    def _without_tokens(self, request: HttpRequest) -> HttpResponseBase | None:
        query = request.GET.copy()
        for name, values in request.GET.lists():
            if any(holds_token(str(text)) for text in (name, *values)):
                del query[name]
        path = request.path
        if holds_token(path):
            name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
            path = reverse(f"{self.admin_site.name}:{name}")
        if path == request.path and len(query) == len(request.GET):
            return None
        messages.error(
            request,
            _(
                "That was a token. It was not searched for: tokens do not belong into addresses. "
                "Use “Find by token” on the page of sessions, or search by user, address or "
                "session id."
            ),
        )
        return HttpResponseRedirect(f"{path}?{query.urlencode()}".removesuffix("?"))
