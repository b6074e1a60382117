"""The action "Revoke all sessions", and a user's sessions, on a project's own pages of users.

A project registers its user model where and when it likes: before or after this app, on a site of
its own, again after ``unregister()``. So each instance of a ``ModelAdmin`` for it is extended when
it is registered; no class of the project is touched.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.sites import AdminSite, all_sites
from django.contrib.auth import get_user_model
from django.db import OperationalError, router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tokenauth.admin import confirmation, revoking
from tokenauth.admin.display import plain
from tokenauth.admin.forms import MAX_SELECTED, RevokeForm
from tokenauth.admin.user_page import show_sessions
from tokenauth.conf import config
from tokenauth.database import in_transaction, write_alias
from tokenauth.exceptions import TryAgain

__all__ = ["RevokeSessionsMixin", "extend", "follow_user_admins", "revoke_all_sessions"]

ACTION = "revoke_all_sessions"


@admin.action(
    permissions=["revoke_sessions"],
    description=gettext_lazy("Revoke all sessions of selected users"),
)
def revoke_all_sessions(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Ask, and once that is answered, end all sessions of the users that were selected.

    Args:
        model_admin: the project's own.
        request: of a member of staff who may.
        queryset: the users.
    """
    # Who is a superuser is decided by the rows that are written to, not by a replica.
    users = queryset.using(router.db_for_write(queryset.model))[: MAX_SELECTED + 1]
    selected = list(users)
    if len(selected) > MAX_SELECTED:
        text = _("Please select at most %(count)d users.")
        messages.error(request, text % {"count": MAX_SELECTED})
        return None
    allowed = [user for user in selected if revoking.can_end_sessions_of(request, user)]
    others = [user for user in allowed if user.pk != request.user.pk]
    form = confirmation.submitted_form(request, own=len(others) < len(allowed))
    if allowed and not form.is_valid():
        count = len(allowed)
        title = ngettext(
            "Revoke all sessions of %(count)d user?",
            "Revoke all sessions of %(count)d users?",
            count,
        )
        return confirmation.ask(
            model_admin,
            request,
            form,
            title=title % {"count": count},
            rows=[(user.pk, plain(user.get_username())) for user in allowed],
            back=request.path,
            action=ACTION,
            left_alone=[plain(user.get_username()) for user in selected if user not in allowed],
        )
    revoking.tell_left_alone(request, len(selected) - len(allowed))
    if allowed and not form.includes_own:
        revoking.tell_own_left_alone(request, len(allowed) - len(others))
        allowed = others
    if allowed:
        _revoke(request, allowed, form)
    return None


def _revoke(request: HttpRequest, users: list[Any], form: RevokeForm) -> None:
    count = 0
    try:
        for user in users:
            count += revoking.end_sessions_of(request, user, form)
    except (TryAgain, OperationalError):
        # Under ATOMIC_REQUESTS the page that runs this is in a transaction, which the database
        # has given up: nothing of it may be said to have happened.
        if in_transaction(write_alias()):
            transaction.set_rollback(True, using=write_alias())
            count = 0
        messages.error(request, _("The database was busy. Please revoke the sessions again."))
        if not count:
            return
    revoking.tell_count(request, count)


class RevokeSessionsMixin:
    """For a ``ModelAdmin`` of the user model: offers both explicitly, whatever the setting says.

    Without it they are there too, on every site that registers by Django's ``register()``, unless
    ``TOKENAUTH_ADMIN_USER_PAGES`` is false.
    """

    def __init__(self, model: Any, admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)  # type: ignore[call-arg]  # what it is mixed into
        extend(self, lambda: True)


def extend(model_admin: Any, is_wanted: Callable[[], bool]) -> None:
    """Give one instance the action and the list of a user's sessions, once.

    Args:
        model_admin: an instance of a ``ModelAdmin`` for users.
        is_wanted: asked at every request whether they are shown.
    """
    if hasattr(model_admin, "has_revoke_sessions_permission"):
        return

    def has_revoke_sessions_permission(request: HttpRequest) -> bool:
        return is_wanted() and revoking.has_revoke_permission(request)

    model_admin.has_revoke_sessions_permission = has_revoke_sessions_permission
    actions = model_admin.actions
    if actions is not None and revoke_all_sessions not in actions:
        model_admin.actions = [*actions, revoke_all_sessions]
    show_sessions(model_admin, is_wanted)


def follow_user_admins() -> None:
    """Extend whatever the user model is registered with by now, and whatever it will be.

    Every registration goes through ``AdminSite.register``, and Django sends no signal about it:
    so that method is wrapped. It does what it did, and extends the instance afterwards.
    """
    for site in all_sites:
        _extend_on(site)
    original: Any = AdminSite.register

    @functools.wraps(original)
    def register(site: AdminSite, *args: Any, **kwargs: Any) -> None:
        original(site, *args, **kwargs)
        _extend_on(site)

    AdminSite.register = register  # type: ignore[assignment,method-assign]  # see above


def _extend_on(site: AdminSite) -> None:
    user_model = get_user_model()._meta.concrete_model
    for model in apps.get_models():
        if model._meta.concrete_model is user_model and site.is_registered(model):
            extend(site.get_model_admin(model), lambda: config.admin_user_pages)
