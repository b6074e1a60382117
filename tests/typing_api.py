"""The public functions as a typed project uses them: mypy reads this file, nothing runs it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, assert_type

from django.contrib.auth.models import User
from django.http import HttpRequest
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

import tokenauth
from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.models import AuthSession
from tokenauth.permissions import RecentlyAuthenticated
from tokenauth.sessions import Tokens, revoke_session, revoke_user_sessions, rotate, start_session


class Account(APIView):
    """A view that asks for a recent proof."""

    permission_classes = [IsAuthenticated, RecentlyAuthenticated(max_age=timedelta(minutes=5))]


class Foreign(AccessTokenAuthentication):
    """An authentication class that lets tokens of others pass."""

    ignore_foreign = True


def end(session: AuthSession, user: User) -> int:
    """End sessions, for a reason, by somebody."""
    revoke_session(session, reason="lost device", actor=user)
    return revoke_user_sessions(user, reason="lost device", actor=None, keep=session)


def enter(request: HttpRequest, user: User) -> None:
    """Log in and out, and keep the session through a new password."""
    tokenauth.login(request, user, client="browser", remember=False, device_name="laptop")
    tokenauth.update_session_auth_hash(request, user)
    assert_type(tokenauth.step_up(request, amr=("pwd", "otp")), Tokens | None)
    tokenauth.logout(request)


async def enter_async(request: HttpRequest, user: User) -> None:
    """Do the same in an async view."""
    await tokenauth.alogin(request, user)
    await tokenauth.astep_up(request, amr=["webauthn"])
    await tokenauth.aupdate_session_auth_hash(request, user)
    await tokenauth.alogout(request)


def provision(user: User) -> str | None:
    """Start a session without a request, and exchange its refresh token."""
    tokens = start_session(user, client="app")
    assert_type(tokens, Tokens)
    assert_type(tokens.access, str)
    if tokens.refresh is None:
        return None
    return rotate(tokens.refresh, transport="body").refresh


def verify(raw: str) -> Mapping[str, Any]:
    """Verify an access token outside a request: it is a mapping of its claims."""
    access = tokenauth.verify_access_token(raw)
    assert_type(access.session, AuthSession)
    return access.token
