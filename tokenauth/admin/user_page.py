"""A user's sessions, shown on the page that a project has of that user.

It looks like an inline and is none: it saves nothing, needs nothing of what is posted, and so does
not get in the way of a project's own forms, templates and tests of that page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from tokenauth import system
from tokenauth.admin import revoking
from tokenauth.admin.display import badge, describe_device, relative
from tokenauth.admin.many import REVOKE_MANY
from tokenauth.admin.shell import MEDIA
from tokenauth.models import AuthSession
from tokenauth.sessions import active_sessions

if TYPE_CHECKING:
    Formset = BaseInlineFormSet[Any, Any, Any]
    Inline = admin.TabularInline[Any, Any]
else:
    Formset, Inline = BaseInlineFormSet, admin.TabularInline

__all__ = ["MOST_SHOWN", "show_sessions"]

MOST_SHOWN = 20
"""So many of a user's sessions are shown, the newest."""


class _NoForms(Formset):
    """A formset that takes nothing and saves nothing; it lists what is shown instead.

    Attributes:
        site: the site that the page is on.
        request: who asks.
    """

    site: Any = None
    request: Any = None

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        instance: Any = None,
        prefix: Any = None,
        **_: Any,
    ) -> None:
        super().__init__(instance=instance, prefix=prefix, queryset=AuthSession.objects.none())

    def is_valid(self) -> bool:
        """Nothing was asked, so nothing is wrong."""
        return True

    @cached_property
    def found(self) -> list[AuthSession]:
        """Return the user's living sessions, the newest first: one query, when they are shown."""
        return active_sessions(self.instance)[: MOST_SHOWN + 1]

    @property
    def has_more(self) -> bool:
        """Return whether there are more than are shown."""
        return len(self.found) > MOST_SHOWN

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the cells of each line."""
        now = system.now()
        return [
            {
                "session": session,
                "device": describe_device(session),
                "status": badge(session, now),
                "created": relative(session.created_at, now),
                "seen": relative(session.last_seen_at, now),
                "address": self._address("tokenauth_authsession_change", session.pk),
            }
            for session in self.found[:MOST_SHOWN]
        ]

    @property
    def list_address(self) -> str:
        """Return the address of all of the user's sessions, if this site has them."""
        return self._with_user(self._address("tokenauth_authsession_changelist"))

    @property
    def revoke_address(self) -> str:
        """Return the address of the question to end them all, for those who may."""
        may = revoking.has_revoke_permission(self.request)
        if not may or not revoking.can_end_sessions_of(self.request, self.instance):
            return ""
        return self._with_user(self._address(REVOKE_MANY))

    def _with_user(self, address: str) -> str:
        return f"{address}?{urlencode({'user': self.instance.pk})}" if address else ""

    def _address(self, name: str, *args: Any) -> str:
        try:
            return reverse(f"{self.site.name}:{name}", args=args)
        except NoReverseMatch:
            return ""


class _SessionsInline(Inline):
    """Read-only, whoever asks, and nothing at all without the permission to see sessions."""

    model = AuthSession
    fk_name = "user"
    formset = _NoForms
    extra = max_num = 0
    can_delete = False
    fields = ()
    template = "admin/tokenauth/user_sessions.html"
    verbose_name_plural = gettext_lazy("Active sessions")

    @property
    def media(self) -> Any:
        """Return the style sheet, and no script: there is nothing to add."""
        return MEDIA

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Return what lists this user's sessions, for whoever asks."""
        formset = super().get_formset(request, obj, **kwargs)
        formset.site, formset.request = self.admin_site, request  # type: ignore[attr-defined]  # made for this request
        return formset


def show_sessions(model_admin: Any, is_wanted: Callable[[], bool]) -> None:
    """Let one instance show the sessions of a user, below whatever it shows.

    Args:
        model_admin: an instance of a ``ModelAdmin`` for users.
        is_wanted: asked at every request whether they are shown.
    """
    original = model_admin.get_inline_instances

    def get_inline_instances(request: HttpRequest, obj: Any = None) -> list[Any]:
        inlines = [*original(request, obj)]
        if obj is not None and is_wanted():
            sessions = _SessionsInline(model_admin.model, model_admin.admin_site)
            if sessions.has_view_permission(request, obj):
                inlines.append(sessions)
        return inlines

    model_admin.get_inline_instances = cast("Any", get_inline_instances)
