"""What every revocation by staff has in common: who may, the question, why, and the record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tokenauth.addresses import origin_of
from tokenauth.admin.display import describe_reason
from tokenauth.admin.forms import RevokeForm
from tokenauth.bulk import Ended, knows_superusers
from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthSession
from tokenauth.sessions import Target, revoke_matching, revoke_sessions, revoke_user_sessions

__all__ = [
    "MAX_SECONDS",
    "can_end_everyone",
    "can_end_sessions_of",
    "can_end_superusers",
    "end_listed",
    "end_matching",
    "end_sessions_of",
    "has_revoke_permission",
    "tell_count",
    "tell_left_alone",
    "tell_own_left_alone",
]

MAX_SECONDS = 20.0
"""So long one request ends sessions; then a page asks to go on, before a proxy gives up."""


def has_revoke_permission(request: HttpRequest) -> bool:
    """Return whether whoever asks may end sessions: ``tokenauth.revoke_authsession``."""
    return request.user.has_perm("tokenauth.revoke_authsession")


def can_end_superusers(request: HttpRequest) -> bool:
    """Return whether whoever asks may end sessions of superusers.

    Only a superuser may, or who has ``tokenauth.revoke_superuser_authsession``: else staff with
    little privilege could throw out the one who is about to take it from them.
    """
    user = request.user
    return bool(
        getattr(user, "is_superuser", False)
        or user.has_perm("tokenauth.revoke_superuser_authsession")
    )


def can_end_sessions_of(request: HttpRequest, owner: Any) -> bool:
    """Return whether whoever asks may end sessions of ``owner``, who may be a superuser."""
    return not getattr(owner, "is_superuser", False) or can_end_superusers(request)


def can_end_everyone(request: HttpRequest) -> bool:
    """Return whether whoever asks may end sessions without naming whose they are.

    That is ``tokenauth.revoke_everyone_authsession``, and superusers must be told apart where
    theirs are not allowed: a user model that works out who is one cannot be asked by a query.
    """
    return (
        has_revoke_permission(request)
        and request.user.has_perm("tokenauth.revoke_everyone_authsession")
        and (can_end_superusers(request) or knows_superusers())
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
    _log_count(request, user, count, form)
    return count


def end_matching(
    request: HttpRequest, target: Target, form: RevokeForm, *, what: str, users: Sequence[Any] = ()
) -> tuple[Ended, bool]:
    """End what ``target`` means on behalf of whoever asks, as much of it as a request may take.

    The history entry is of each user who was named, or one of the whole.

    Args:
        request: of a member of staff who may.
        target: which sessions.
        form: valid.
        what: ``target`` in words, for the history.
        users: those who are named by ``target``.

    Returns:
        What was ended, and whether the database refused to go on.
    """
    done, busy = Ended(), False

    def note(so_far: Ended) -> None:
        nonlocal done
        done = so_far

    try:
        done = revoke_matching(
            target, **_facts(request, form), max_seconds=MAX_SECONDS, progress=note
        )
    except TryAgain:
        busy = True
    if users:
        for user in users:
            _log_count(request, user, done.by_user.get(user.pk, 0), form)
    elif done.sessions:
        LogEntry.objects.create(
            user_id=cast("Any", request.user.pk),
            content_type=ContentType.objects.get_for_model(AuthSession),
            object_repr=what[:200],
            action_flag=CHANGE,
            change_message=_count_text(done.sessions, form),
        )
    return done, busy


def tell_count(request: HttpRequest, count: int) -> None:
    """Say how many sessions have been ended, and by that what no longer works."""
    if not count:
        messages.warning(request, _("No session was revoked: they had ended before."))
        return
    text = ngettext(
        "%(count)d session was revoked. Its refresh token is refused from now on.",
        "%(count)d sessions were revoked. Their refresh tokens are refused from now on.",
        count,
    )
    messages.success(request, text % {"count": count})


def tell_left_alone(request: HttpRequest, count: int) -> None:
    """Say that sessions of superusers were left alone, if any were."""
    if count:
        messages.warning(
            request,
            _(
                "Sessions of superusers were left alone: only a superuser may end them, or who "
                "has the permission for it."
            ),
        )


def tell_own_left_alone(request: HttpRequest, count: int) -> None:
    """Say that sessions of whoever asks were left alone, if any were."""
    if count:
        messages.warning(request, _("Your own sessions were left alone."))


def _facts(request: HttpRequest, form: RevokeForm) -> dict[str, Any]:
    return {
        "reason": form.cleaned_data["reason"],
        "note": form.cleaned_data["note"],
        "actor": request.user,
        "origin": origin_of(request),
    }


def _log_count(request: HttpRequest, user: Any, count: int, form: RevokeForm) -> None:
    if count:
        _log(request, [user], _count_text(count, form))


def _count_text(count: int, form: RevokeForm) -> str:
    text = ngettext(
        "Revoked %(count)d session: %(why)s", "Revoked %(count)d sessions: %(why)s", count
    )
    return text % {"count": count, "why": _why(form)}


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
