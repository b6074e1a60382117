"""Revoking by description: all sessions of users, of a network, of a group, of everyone.

One page serves them all: it is told what is meant, says what that is, asks, and ends it in as many
requests as it takes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tokenauth import system
from tokenauth.admin import confirmation, revoking
from tokenauth.admin.display import plain
from tokenauth.admin.forms import EVERYONE, MAX_SELECTED, ManyForm, RevokeForm, UsersForm
from tokenauth.admin.questions import (
    Question,
    asked_at,
    describe_many,
    describe_users,
    hidden_fields,
)
from tokenauth.admin.readonly import ReadOnlyAdmin
from tokenauth.admin.shell import page
from tokenauth.bulk import MOST_COUNTED, find_matching, newest_of_each
from tokenauth.sessions import Target, count_matching

if TYPE_CHECKING:
    Base = ReadOnlyAdmin
else:
    Base = object

__all__ = ["REVOKE_MANY", "BulkRevocation"]

REVOKE_MANY = "tokenauth_authsession_revoke_many"
"""The name of the page's address."""

MOST_LISTED = 50
"""So many sessions are listed in a question; of more it says the number."""


class BulkRevocation(Base):
    """The page "Revoke many", and the actions on the list that lead to it."""

    change_list_template = "admin/tokenauth/authsession/change_list.html"

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever revokes here must also be allowed to see what it is."""
        return self.has_view_permission(request) and revoking.has_revoke_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with that of this page."""
        many = path("revoke/", self.admin_site.admin_view(self.revoke_many_view), name=REVOKE_MANY)
        return [*self.guarded([many]), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the page above the list, to those who may."""
        more = {"can_revoke_many": self.has_revoke_permission(request)}
        return super().changelist_view(request, {**(extra_context or {}), **more})

    @admin.action(
        permissions=["revoke"], description=gettext_lazy("Revoke all sessions of these users")
    )
    def revoke_users(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask about all sessions of the users of those that were selected."""
        return self._ask_about_owners(request, queryset, "")

    @admin.action(
        permissions=["revoke"],
        description=gettext_lazy("Revoke all but the newest session of these users"),
    )
    def revoke_older(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask about all sessions of these users but the newest of each."""
        return self._ask_about_owners(request, queryset, "on")

    def _ask_about_owners(
        self, request: HttpRequest, queryset: QuerySet[Any], newest: str
    ) -> HttpResponse | None:
        # The answer goes to a page of its own: what is over might no longer be in this list.
        owners = queryset.filter(user__isnull=False).order_by("user_id").distinct()
        keys = list(owners.values_list("user_id", flat=True)[: MAX_SELECTED + 1])
        if not keys:
            messages.warning(request, _("The users of these sessions have been deleted."))
            return None
        data = QueryDict(mutable=True)
        data.setlist("user", [str(key) for key in keys])
        data["newest"] = newest
        question = self._about_users(request, data, system.now())
        if isinstance(question, Question):
            return self._answer(request, question, None)
        return question

    def revoke_many_view(self, request: HttpRequest) -> HttpResponse:
        """Ask which sessions, then whether and why; and once that is answered, revoke them.

        Raises:
            PermissionDenied: not for this member of staff, or not these sessions.
        """
        if not self.has_revoke_permission(request):
            raise PermissionDenied
        answer = request.POST if request.method == "POST" else None
        time = asked_at(request.POST)
        question: Question | HttpResponse
        if "user" in (answer or request.GET):
            question = self._about_users(request, answer or request.GET, time)
        else:
            question = self._about_many(request, answer, time)
        if not isinstance(question, Question):
            return question
        return self._answer(request, question, answer if answer and "confirmed" in answer else None)

    def _about_users(
        self, request: HttpRequest, data: QueryDict, time: datetime
    ) -> Question | HttpResponse:
        form = UsersForm(data)
        if not form.is_valid():
            for error in form.errors.values():
                messages.error(request, str(error[0]))
            return HttpResponseRedirect(self._list_address())
        found, keep = form.cleaned_data["user"], tuple(form.cleaned_data["keep"])
        users = tuple(user for user in found if revoking.can_end_sessions_of(request, user))
        if not users:
            raise PermissionDenied
        keys = tuple(user.pk for user in users)
        newest = form.cleaned_data["newest"]
        back = self._address_of(keep[0]) if len(keep) == 1 else self._list_address()
        if newest:
            keep += newest_of_each(keys, until=time)
        return Question(
            target=Target(users=keys, keep=keep, asked_at=time),
            what=describe_users(users, but_newest=newest, but_one=bool(keep) and not newest),
            back=back,
            hidden=hidden_fields(data, ("user", "keep", "newest"), time),
            users=users,
            left_alone=tuple(plain(user.get_username()) for user in found if user not in users),
        )

    def _about_many(
        self, request: HttpRequest, data: QueryDict | None, time: datetime
    ) -> Question | HttpResponse:
        everyone = revoking.can_end_everyone(request)
        if data and data.get("what") in EVERYONE and not everyone:
            raise PermissionDenied
        form = ManyForm(data, everyone=everyone)
        if not form.is_valid():
            title, back = _("Revoke many sessions"), self._list_address()
            return page(
                self,
                request,
                "revoke_many.html",
                title=title,
                crumb=_("Revoke"),
                form=form,
                back=back,
            )
        what, user = form.cleaned_data["what"], form.cleaned_data["name"]
        if what == "user" and not revoking.can_end_sessions_of(request, user):
            raise PermissionDenied
        users = (user,) if what == "user" else ()
        target = Target(
            users=tuple(user.pk for user in users) if users else None,
            group=form.cleaned_data["group"].pk if what == "group" else None,
            network=form.cleaned_data["network"] if what == "network" else None,
            everyone=what == "everyone",
            created_before=form.cleaned_data["before"],
            superusers=what == "user" or revoking.can_end_superusers(request),
            asked_at=time,
        )
        return Question(
            target=target,
            what=describe_many(form.cleaned_data),
            back=self._list_address(),
            hidden=hidden_fields(data or QueryDict(), tuple(form.fields), time),
            users=users,
        )

    def _answer(
        self, request: HttpRequest, question: Question, answer: QueryDict | None
    ) -> HttpResponse:
        """Ask, or do it; what whoever asks has of these sessions is only done when ticked."""
        me, target = request.user.pk, question.target
        own = 0
        if target.users is None or me in target.users:
            own = count_matching(replace(target, users=(me,))).sessions
        form = RevokeForm(
            answer, own=own > 0, ticked=target.users == (me,), sure=target.kind == "everyone"
        )
        valid = form.is_valid()
        if not form.includes_own:
            target = replace(target, spare_user=me)
        if valid:
            return self._end(request, replace(question, target=target), form)
        matching = count_matching(target)
        if not matching.sessions and not own:
            messages.warning(request, _("No session was revoked: they had ended before."))
            return HttpResponseRedirect(question.back)
        rows = find_matching(target).with_user().order_by("-pk")[:MOST_LISTED]
        listed = rows if matching.sessions <= MOST_LISTED else ()
        title = ngettext(
            "Revoke %(count)d session?", "Revoke %(count)d sessions?", matching.sessions
        )
        return confirmation.ask(
            self,
            request,
            form,
            title=title % {"count": matching.sessions},
            back=question.back,
            rows=[(row.pk, confirmation.describe_line(row)) for row in listed],
            left_alone=question.left_alone,
            what=question.what,
            matching=matching,
            own=own,
            superusers_left=not target.superusers,
            hidden=question.hidden,
            address=self._many_address(),
        )

    def _end(self, request: HttpRequest, question: Question, form: RevokeForm) -> HttpResponse:
        done, busy = revoking.end_matching(
            request, question.target, form, what=question.what, users=question.users
        )
        if not done.left and not busy:
            revoking.tell_left_alone(request, len(question.left_alone))
            revoking.tell_count(request, done.sessions)
            return HttpResponseRedirect(question.back)
        return page(
            self,
            request,
            "revoke_unfinished.html",
            title=_("Not finished yet"),
            crumb=_("Revoke"),
            what=question.what,
            done=done,
            busy=busy,
            most=done.left >= MOST_COUNTED,
            back=question.back,
            address=self._many_address(),
            hidden=hidden_fields(request.POST, tuple(request.POST), question.target.asked_at),
        )

    def _many_address(self) -> str:
        return reverse(f"{self.admin_site.name}:{REVOKE_MANY}")

    def _list_address(self) -> str:
        return reverse(f"{self.admin_site.name}:tokenauth_authsession_changelist")

    def _address_of(self, key: Any) -> str:
        return reverse(f"{self.admin_site.name}:tokenauth_authsession_change", args=[quote(key)])
