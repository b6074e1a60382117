"""The two authenticators of the floors: a JWT alone, and a JWT with one joined row."""

from __future__ import annotations

import secrets
import time
from typing import Any

import jwt
from django.contrib.auth import get_user_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from benchmarks.floors.models import Row
from benchmarks.projects import KEY

__all__ = ["JoinedRowAuthentication", "JwtAuthentication", "LazyUser", "make_token"]

_OPTIONS: Any = {"require": ["exp", "iat", "sub"]}


def make_token(row: Row) -> str:
    """Return a JWT with the claims that an access token of this project has, signed by HS256."""
    now = int(time.time())
    claims = {
        "token_type": "access",
        "sub": str(row.user_id),
        "user_id": str(row.user_id),
        "client_id": "app",
        "sid": str(row.pk),
        "gen": row.generation,
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "amr": ["pwd"],
    }
    return jwt.encode(claims, KEY, algorithm="HS256")


class LazyUser:
    """A user known by key, read from the database when somebody asks for more than that.

    Args:
        key: the user's key, as text.
    """

    is_authenticated = True
    __slots__ = ("_user", "pk")

    def __init__(self, key: str) -> None:
        self.pk = key

    def __getattr__(self, name: str) -> Any:
        """Read the user, once, and answer for it."""
        if name == "_user":
            self._user = get_user_model().objects.get(pk=self.pk)
            return self._user
        return getattr(self._user, name)


class JwtAuthentication(BaseAuthentication):
    """One call of PyJWT, as its documentation shows it. No query."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return a lazy user and the claims."""
        claims = self.claims(request)
        return LazyUser(claims["sub"]), claims

    def claims(self, request: Request) -> dict[str, Any]:
        """Return the verified claims of the request's Bearer token.

        Raises:
            AuthenticationFailed: PyJWT refused it.
        """
        raw = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        try:
            return jwt.decode(raw, KEY, algorithms=["HS256"], options=_OPTIONS)
        except jwt.InvalidTokenError as error:
            raise AuthenticationFailed from error


class JoinedRowAuthentication(JwtAuthentication):
    """The same, and one query for the row and its user together."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the claims."""
        claims = self.claims(request)
        row = Row.objects.select_related("user").get(pk=claims["sid"])
        return row.user, claims
