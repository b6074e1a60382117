"""What every revocation by staff has in common: who may, the question, why, and the record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tokenauth.addresses import origin_of
from tokenauth.admin.display import STAFF_REASONS, describe_reason, plain
from tokenauth.admin.readonly import holds_token
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.sessions import revoke_sessions, revoke_user_sessions

__all__ = [
    "MAX_SELECTED",
    "RevokeForm",
    "can_end_sessions_of",
    "end_listed",
    "end_sessions_of",
    "has_revoke_permission",
    "tell_count",
    "tell_left_alone",
]

MAX_SELECTED = 500
"""So many rows may be selected at once: the question lists each, and a form has 1,000 fields."""


class RevokeForm(forms.Form):
    """Why the sessions end."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[*STAFF_REASONS.items()],
        initial=RevokedReason.ADMIN,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For other staff: kept with the session and in the history."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    def clean_note(self) -> str:
        """Return the note as one printable line.

        Raises:
            ValidationError: it holds a token.
        """
        note = plain(self.cleaned_data["note"])
        if holds_token(note):
            raise forms.ValidationError(_("That is a token. Name a session by its id."))
        return note


def has_revoke_permission(request: HttpRequest) -> bool:
    """Return whether whoever asks may end sessions: ``tokenauth.revoke_authsession``."""
    return request.user.has_perm("tokenauth.revoke_authsession")


def can_end_sessions_of(request: HttpRequest, owner: Any) -> bool:
    """Return whether whoever asks may end sessions of ``owner``.

    Those of a superuser only a superuser may end: else staff with little privilege could throw
    out the one who is about to take it from them.
    """
    return bool(
        getattr(request.user, "is_superuser", False) or not getattr(owner, "is_superuser", False)
    )


def end_listed(request: HttpRequest, sessions: Sequence[AuthSession], form: RevokeForm) -> int:
    """End sessions on behalf of whoever asks, with a history entry for each; return how many.

    Args:
        request: of a member of staff who may.
        sessions: each once.
        form: valid.

    Raises:
        TryAgain: the database refused three times, and nothing was ended.
    """
    living = [session for session in sessions if session.revoked_at is None]
    count = revoke_sessions(living, **_facts(request, form))
    ended = [session for session in living if session.revoked_at is not None]
    _log(request, ended, _("Revoked: %(why)s") % {"why": _why(form)})
    return count


def end_sessions_of(request: HttpRequest, user: Any, form: RevokeForm) -> int:
    """End all sessions of a user on behalf of whoever asks; return how many.

    The history entry is the user's. Arguments and errors as for :func:`end_listed`.
    """
    count = revoke_user_sessions(user, **_facts(request, form))
    if count:
        text = ngettext(
            "Revoked %(count)d session: %(why)s", "Revoked %(count)d sessions: %(why)s", count
        )
        _log(request, [user], text % {"count": count, "why": _why(form)})
    return count


def tell_count(request: HttpRequest, count: int) -> None:
    """Say how many sessions have been ended, and by that what no longer works."""
    if not count:
        messages.warning(request, _("No session was revoked: they had ended before."))
        return
    text = ngettext(
        "%(count)d session was revoked. Its tokens are refused from now on.",
        "%(count)d sessions were revoked. Their tokens are refused from now on.",
        count,
    )
    messages.success(request, text % {"count": count})


def tell_left_alone(request: HttpRequest, count: int) -> None:
    """Say that sessions of superusers were left alone, if any were."""
    if count:
        messages.warning(
            request, _("Sessions of superusers were left alone: only a superuser may end them.")
        )


def _facts(request: HttpRequest, form: RevokeForm) -> dict[str, Any]:
    return {
        "reason": form.cleaned_data["reason"],
        "note": form.cleaned_data["note"],
        "actor": request.user,
        "origin": origin_of(request),
    }


def _why(form: RevokeForm) -> str:
    reason, note = describe_reason(form.cleaned_data["reason"]), form.cleaned_data["note"]
    return f"{reason} ({note})" if note else reason


def _log(request: HttpRequest, rows: Iterable[Any], message: str) -> None:
    LogEntry.objects.log_actions(
        user_id=cast("Any", request.user.pk),
        queryset=list(rows),
        action_flag=CHANGE,
        change_message=message,
    )
