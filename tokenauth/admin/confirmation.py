"""The page that asks before sessions end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tokenauth.admin.display import describe_device, describe_user
from tokenauth.admin.forms import RevokeForm
from tokenauth.admin.shell import page
from tokenauth.conf import config
from tokenauth.models import AuthSession

__all__ = ["ask", "describe_line", "submitted_form"]

_CONSEQUENCES = {
    "session": _(
        "The refresh tokens, and the access tokens that are already out, are refused from this "
        "moment on."
    ),
    "revocation-list": _(
        "The refresh tokens are refused from this moment on, and the access tokens that are "
        "already out within a second."
    ),
    "signature": _(
        "The refresh tokens are refused from this moment on. The access tokens that are already "
        "out work until they expire."
    ),
}


def submitted_form(request: HttpRequest, **options: bool) -> RevokeForm:
    """Return the form: bound if the question has been answered, empty to ask it."""
    return RevokeForm(request.POST if "confirmed" in request.POST else None, **options)


def describe_line(session: AuthSession) -> str:
    """Return whose session it is, on what, from where and of which client."""
    facts = (describe_user(session), describe_device(session), session.last_ip, session.client)
    return ", ".join(filter(None, facts))


def ask(
    model_admin: Any,
    request: HttpRequest,
    form: RevokeForm,
    *,
    title: str,
    back: str,
    rows: Sequence[Any] = (),
    action: str = "",
    left_alone: Sequence[Any] = (),
    **more: Any,
) -> TemplateResponse:
    """Return the question whether, and why, sessions are to end.

    Args:
        model_admin: whose pages it is among.
        request: of a member of staff who may.
        form: to be shown, with its errors.
        title: the question.
        back: the address of "no".
        rows: what is about to end: pairs of a key and what is shown for it.
        action: the name of the action that asks, if it was one.
        left_alone: names of superusers whose sessions stay.
        more: what else the page shows: ``what``, ``matching``, ``own``, ``hidden``, ``address``.
    """
    return page(
        model_admin,
        request,
        "revoke_confirmation.html",
        title=title,
        crumb=gettext("Revoke"),
        consequence=_CONSEQUENCES[config.access_token_check],
        form=form,
        rows=rows,
        back=back,
        action=action,
        action_checkbox_name=ACTION_CHECKBOX_NAME,
        left_alone=left_alone,
        **more,
    )
