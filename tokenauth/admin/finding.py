"""The page on which a pasted token finds its session.

The token comes by POST and goes nowhere: it is not stored, logged, put into an address or shown
again. The answer names the session by its id.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from tokenauth.admin.shell import page
from tokenauth.issuing import FoundToken, identify_token
from tokenauth.rest import HideEverything

__all__ = ["TokenForm", "find_by_token"]

MAX_PASTED = 8000
"""A token with the header or the line of a log around it is shorter."""
MAX_TRIED = 4
"""So many things that look like a token are tried, of one paste."""

_CANDIDATE = re.compile(r"[\w.-]{60,}", re.ASCII)


class TokenForm(forms.Form):
    """One field, which the browser neither remembers, completes nor sends to a spelling service."""

    token = forms.CharField(
        label=gettext_lazy("Token"),
        max_length=MAX_PASTED,
        help_text=gettext_lazy(
            "A refresh token or an access token; also a header or a line that holds one."
        ),
        widget=forms.PasswordInput(
            attrs={"size": 60, "autocomplete": "off", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"max_length": gettext_lazy("This is too long. Paste the token alone.")},
    )


@sensitive_post_parameters()
def find_by_token(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Ask for a token, and go to the session that it belongs to.

    Args:
        request: of a member of staff.
        model_admin: of sessions.

    Raises:
        PermissionDenied: who may see no session may not ask for one.
    """
    request.exception_reporter_filter = HideEverything()
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    form = TokenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        found = _identify(form.cleaned_data["token"])
        if found is not None:
            messages.info(request, _describe(found))
            name = f"{model_admin.admin_site.name}:tokenauth_authsession_change"
            return HttpResponseRedirect(reverse(name, args=[quote(found.session.pk)]))
        form.add_error(
            "token",
            _(
                "No session was found. This is not a token of this site, or it is not whole, or "
                "its session is no longer kept."
            ),
        )
    response = page(
        model_admin,
        request,
        "find_by_token.html",
        title=_("Find a session by a token"),
        crumb=_("Find by token"),
        form=form,
    )
    response["Cache-Control"] = "no-store"
    return response


def _identify(pasted: str) -> FoundToken | None:
    candidates = _CANDIDATE.findall(pasted)[:MAX_TRIED]
    found = (identify_token(candidate.strip(".")) for candidate in candidates)
    return next(filter(None, found), None)


def _describe(found: FoundToken) -> str:
    numbers = {"given": found.generation, "current": found.session.generation}
    if found.kind == "refresh":
        text = _(
            "The refresh token of generation %(given)d belongs to this session. Its current "
            "generation is %(current)d."
        )
    else:
        text = _(
            "The access token of generation %(given)d belongs to this session. Its current "
            "generation is %(current)d."
        )
    return text % numbers
