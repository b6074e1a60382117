"""``login``, ``logout``, ``step_up`` and ``update_session_auth_hash``, for any view of a project.

They mirror the functions of ``django.contrib.auth``. Cookies are written by the middleware, on
whatever response the view returns, and only for what has been committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from tokenauth import cookies, deferred
from tokenauth.addresses import origin_of
from tokenauth.conf import config
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.sessions import (
    Tokens,
    find_sessions,
    renew_after_password_change,
    revoke_sessions,
    start_session,
)
from tokenauth.sessions import step_up as step_up_session

__all__ = [
    "alogin",
    "alogout",
    "astep_up",
    "aupdate_session_auth_hash",
    "bearer_token",
    "django_request",
    "login",
    "logout",
    "step_up",
    "update_session_auth_hash",
]


def django_request(request: Any) -> HttpRequest:
    """Return Django's request, also where DRF has wrapped it."""
    wrapped: HttpRequest = getattr(request, "_request", request)
    return wrapped


def bearer_token(request: HttpRequest) -> str | None:
    """Return the token of an ``Authorization: Bearer`` header (RFC 6750 section 2.1), or ``None``.

    The scheme is matched in any case. ``""`` is a Bearer header without one token behind it.
    """
    parts = request.META.get("HTTP_AUTHORIZATION", "").split()
    if not parts or parts[0].lower() != "bearer":
        return None
    return parts[1] if len(parts) == 2 else ""  # noqa: PLR2004 - the scheme and the token


def login(
    request: Any,
    user: Any,
    *,
    client: str | None = None,
    remember: bool = True,
    device_name: str = "",
    amr: Sequence[str] = (),
) -> Tokens:
    """Start a session for a user who has proved who they are, and set its cookies.

    Sends ``user_logged_in``, and sets ``request.user`` and ``request.auth_session``. A session
    that a cookie of the request belongs to is ended, after the new one exists: two logins in one
    browser must not leave one of them alive and forgotten.

    Args:
        request: the request, Django's or DRF's.
        user: the user.
        client: one of ``TOKENAUTH_CLIENTS``; the first for ``None``.
        remember: whether the browser keeps the cookies when it closes.
        device_name: what the user calls the device.
        amr: how the user proved it (RFC 8176), for example ``("pwd", "otp")``.

    Returns:
        The tokens. For a client of transport ``body`` the view must send them itself.

    Raises:
        AccountUnusable: the user is not active.
        UnknownClient: no such client.
    """
    request = django_request(request)

    def announce(session: AuthSession) -> None:
        _become(request, user, session)
        user_logged_in.send(sender=user.__class__, request=request, user=user)

    by_cookie = config.client(client).transport == "cookie"
    tokens = start_session(
        user,
        client=client,
        remember=remember,
        device_name=device_name,
        amr=amr,
        origin=origin_of(request),
        replaces=_sessions_of_cookies(request) if by_cookie else [],
        before_commit=announce,
    )
    deferred.set_after_commit(request, tokens)
    return tokens


def logout(request: Any, *, refresh_token: str | None = None) -> int:
    """End every session to which an authentic token in the request belongs; clear the cookies.

    A refresh token of any generation counts, and an access token of any age, from the cookies,
    the ``Authorization`` header or ``refresh_token``. Garbage ends nothing. Sends
    ``user_logged_out`` if a session was ended.

    Args:
        request: the request, Django's or DRF's.
        refresh_token: one that came in the body.

    Returns:
        How many sessions this call ended.

    Raises:
        TryAgain: the database refused three times.
    """
    request = django_request(request)
    found = _sessions_of_cookies(request, refresh_token, bearer_token(request))
    living = [session for session in found if session.revoked_at is None]
    ended = revoke_sessions(found, reason=RevokedReason.LOGOUT, origin=origin_of(request))
    if ended:
        user = living[0].user if living else None
        user_logged_out.send(sender=user.__class__, request=request, user=user)
    _become(request, AnonymousUser(), None)
    deferred.clear_after_commit(request)
    return ended


def step_up(request: Any, *, amr: Sequence[str]) -> Tokens | None:
    """Note that the user of the request's session has just proved again who they are.

    For projects that ask for a second factor, a passkey or a password themselves. From then on
    the session's new access tokens say when and how; no token from before is accepted. Cookies
    are renewed; a client of transport ``body``, and every access token in memory, needs the
    tokens that this returns.

    Args:
        request: the request, Django's or DRF's.
        amr: how the user proved it this time (RFC 8176), for example ``("pwd", "otp")``.

    Returns:
        New tokens, or ``None`` if the request has no session of ours.

    Raises:
        SessionEnded: the session was revoked meanwhile, or its account has changed.
        TryAgain: lost three races, or the database refused.
    """
    request = django_request(request)
    session = getattr(request, "auth_session", None)
    if not session:
        return None
    tokens = step_up_session(session, amr=amr, origin=origin_of(request))
    request.auth_session = tokens.session
    deferred.set_after_commit(request, tokens)
    return tokens


def update_session_auth_hash(request: Any, user: Any) -> Tokens | None:
    """Keep the request's session through its user's change of password, and end all the others.

    Call it where Django's function of this name is called: after the password was saved, in the
    same transaction. Cookies are renewed; a client of transport ``body``, and every access token
    in memory, needs the tokens that this returns.

    Args:
        request: the request, Django's or DRF's.
        user: the user, with the new password.

    Returns:
        New tokens, or ``None`` if the request has no session of this user.

    Raises:
        SessionEnded: the session was revoked meanwhile.
        TryAgain: lost three races.
    """
    request = django_request(request)
    session = getattr(request, "auth_session", None)
    if not session or session.user_id != user.pk:
        return None
    tokens = renew_after_password_change(session, user, origin=origin_of(request))
    deferred.set_after_commit(request, tokens)
    return tokens


def _sessions_of_cookies(
    request: HttpRequest, refresh_token: str | None = None, access_token: str | None = None
) -> list[AuthSession]:
    refresh, access = cookies.presented_tokens(request)
    return find_sessions(
        refresh_tokens=[token for token in (*refresh, refresh_token) if token],
        access_tokens=[token for token in (*access, access_token) if token],
    )


def _become(request: HttpRequest, user: Any, session: AuthSession | None) -> None:
    async def auser() -> Any:
        return user

    request.user = user
    request.auser = auser
    request.auth_session = session  # type: ignore[attr-defined]  # the middleware's


alogin = sync_to_async(login)
"""The same for async views."""

alogout = sync_to_async(logout)
"""The same for async views."""

astep_up = sync_to_async(step_up)
"""The same for async views."""

aupdate_session_auth_hash = sync_to_async(update_session_auth_hash)
"""The same for async views."""
