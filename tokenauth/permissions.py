"""A permission of DRF that asks for a recent proof of who the user is (RFC 9470)."""

from __future__ import annotations

from datetime import timedelta
from math import floor
from typing import Any, ClassVar

from rest_framework.permissions import (
    AND,
    OR,
    BasePermission,
    BasePermissionMetaclass,
    OperandHolder,
)
from rest_framework.request import Request
from rest_framework.views import APIView

from tokenauth import system
from tokenauth.responses import InsufficientUserAuthentication
from tokenauth.tokens.access import AccessToken

__all__ = ["RecentlyAuthenticated", "require_recent_proof"]


def require_recent_proof(token: Any, max_age: timedelta) -> None:
    """Refuse a request unless its access token was issued to a recent proof.

    For a view that asks for one in some cases only; :func:`RecentlyAuthenticated` otherwise.

    Args:
        token: ``request.auth``, whatever it is.
        max_age: how old the proof may be; counted from ``auth_time``.

    Raises:
        InsufficientUserAuthentication: the proof is too old, or this is no token of ours: what
            authenticated the request then does not say when the user did.
    """
    # From the claims, never from the row: that speaks of the newest token of the session.
    if isinstance(token, AccessToken):
        age = system.now().timestamp() - token["auth_time"]
        if age <= max_age.total_seconds():
            return
    raise InsufficientUserAuthentication(floor(max_age.total_seconds()))


class _AskedLast:
    """In ``a | b`` has the other side asked first, because a refusal here ends the question."""

    def __and__(self, other: Any) -> Any:
        return _compose(AND, self, other)

    def __rand__(self, other: Any) -> Any:
        return _compose(AND, other, self)

    def __or__(self, other: Any) -> Any:
        return _compose(OR, other, self)

    __ror__ = __or__


class _Composition(_AskedLast, OperandHolder):
    pass


def _compose(operator: Any, first: Any, second: Any) -> Any:
    return _Composition(operator, first, second)


class _Metaclass(_AskedLast, BasePermissionMetaclass):
    pass


class _RecentlyAuthenticated(BasePermission, metaclass=_Metaclass):
    max_age: ClassVar[timedelta]

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the token was issued to a recent proof; nobody at all is refused.

        Raises:
            InsufficientUserAuthentication: the proof is too old, or there is no token of ours:
                what authenticated the request then does not say when the user did.
        """
        # None under a project's UNAUTHENTICATED_USER.
        if not getattr(request.user, "is_authenticated", False):
            return False
        require_recent_proof(request.auth, self.max_age)
        return True


def RecentlyAuthenticated(*, max_age: timedelta) -> type[BasePermission]:  # noqa: N802 - stands where a class does
    """Return a permission for users who proved who they are at most ``max_age`` ago.

    For what a thief with an access token, or a passer-by at an open screen, must not do::

        permission_classes = [IsAuthenticated, RecentlyAuthenticated(max_age=timedelta(minutes=5))]

    The answer to others is a 401 with the code ``insufficient_user_authentication`` and the
    challenge of RFC 9470 section 3; the client asks for the password, calls ``reauthenticate/``,
    and repeats the request with the new access token. Without any token it is the usual 401.
    It composes with ``&`` and ``|``; in a long ``a | b | c`` write it last, because its refusal
    ends the question.

    Args:
        max_age: at least a second; counted from ``auth_time``, which a refresh does not move.

    Raises:
        ValueError: ``max_age`` is shorter than a second.
    """
    if max_age < timedelta(seconds=1):
        raise ValueError("max_age is shorter than a second")
    return type("RecentlyAuthenticated", (_RecentlyAuthenticated,), {"max_age": max_age})
