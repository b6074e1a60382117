"""Helpers for the tests of a project: a client with a real session, and a clock that moves.

Not imported by the app itself. With pytest, :mod:`tokenauth.pytest_plugin` has them as fixtures;
in a ``TestCase`` set ``client_class = AuthClient``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.http import HttpResponse  # noqa: TID251 - to carry cookies
from django.test import RequestFactory
from rest_framework.test import APIClient

from tokenauth import cookies, system
from tokenauth.issuing import Tokens, issue_tokens
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.sessions import revoke_session, rotate, start_session

__all__ = ["AuthClient", "travel"]


class AuthClient(APIClient):
    """REST framework's client, logged in with a real session: what it sends is really checked.

    It sends the access token in the ``Authorization`` header, and for a client of transport
    ``cookie`` the cookies that a browser would have. No password is needed, and no signal of a
    login is sent. What it has does not renew itself: after ``travel(minutes=6)`` a request is the
    401 that a program gets which does not refresh.

    Args:
        user: whom to log in; ``None``: nobody yet.
        client: one of ``TOKENAUTH_CLIENTS``; the first for ``None``.
        amr: how the user proved who they are, for views that ask (RFC 8176).
        device_name: what the user calls the device.
        **defaults: as for Django's client, for example ``headers={...}``.
    """

    def __init__(
        self,
        user: Any = None,
        *,
        client: str | None = None,
        amr: Sequence[str] = ("pwd",),
        device_name: str = "",
        **defaults: Any,
    ) -> None:
        super().__init__(**defaults)
        self._session_id: uuid.UUID | None = None
        if user is not None:
            self.login_session(user, client=client, amr=amr, device_name=device_name)

    def login_session(
        self,
        user: Any,
        *,
        client: str | None = None,
        amr: Sequence[str] = ("pwd",),
        device_name: str = "",
    ) -> AuthSession:
        """Start a session for a user, and send its tokens from now on; return it.

        Arguments as for the class. A session that the client had before goes on without it.
        """
        tokens = start_session(user, client=client, amr=amr, device_name=device_name)
        self._session_id = tokens.session.pk
        self._send(tokens)
        return self.auth_session

    @property
    def auth_session(self) -> AuthSession:
        """The session as it now is in the database.

        Raises:
            RuntimeError: nobody is logged in.
        """
        if self._session_id is None:
            raise RuntimeError("Nobody is logged in: call login_session(user) first.")
        return AuthSession.objects.with_user().get(pk=self._session_id)

    def refresh(self) -> AuthSession:
        """Refresh, with the newest refresh token of the session; return the session.

        Raises:
            SessionEnded: it is over.
            RuntimeError: nobody is logged in.
        """
        session = self.auth_session
        newest = issue_tokens(session, system.now(), with_refresh=True)
        self._send(rotate(newest.refresh or "", transport=session.transport))  # type: ignore[arg-type]
        return self.auth_session

    def logout(self) -> None:
        """End the session, if there is one, and send nothing from now on."""
        if self._session_id is not None:
            revoke_session(self.auth_session, reason=RevokedReason.LOGOUT)
            self._session_id = None
        self.cookies.clear()
        super().logout()

    def _send(self, tokens: Tokens) -> None:
        self.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
        response = HttpResponse()
        request = RequestFactory().get("/", **self.defaults)  # type: ignore[arg-type]
        cookies.set_cookies(request, response, tokens)
        self.cookies.update(response.cookies)


@contextmanager
def travel(**duration: float) -> Iterator[None]:
    """Move the time of this package, for as long as the block or the test lasts.

    Access tokens expire, sessions end and limits pass; nothing else moves: not Django's sessions,
    not the database, not the project's own clock. May be nested, which adds up.

    Args:
        **duration: as for ``timedelta``: ``days=15``, ``minutes=6``.
    """
    offset = timedelta(**duration)
    real_now, real_monotonic = system.now, system.monotonic

    def now() -> datetime:
        return real_now() + offset

    def monotonic() -> float:
        return real_monotonic() + offset.total_seconds()

    with mock.patch.multiple(system, now=now, monotonic=monotonic):
        yield
