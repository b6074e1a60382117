"""A user name and a password, or the answer of a second step, for the endpoints that ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from tokenauth.conf import SecondStep

__all__ = ["check_answer", "check_credentials"]


@sensitive_variables()
def check_credentials(
    request: HttpRequest, username: str, password: str, *, expected: Any = None
) -> Any:
    """Return the active user who has these credentials, or ``None``.

    Through ``AUTHENTICATION_BACKENDS``. ``user_login_failed`` is sent once for each failure.

    Args:
        request: Django's request, for the backends.
        username: the value of the user model's ``USERNAME_FIELD``.
        password: exactly as it was sent.
        expected: the only user whose credentials will do, if the caller knows who is asking.
    """
    user: Any = authenticate(request, username=username, password=password)
    if user is None or _is_usable(user, expected):
        return user
    # A backend that lets inactive users pass, or finds somebody else by this name, has sent no
    # signal of its own.
    _announce_failure(request, username)
    return None


@sensitive_variables()
def check_answer(
    request: HttpRequest, user: Any, answer: Mapping[str, Any], verify: SecondStep
) -> tuple[str, ...] | None:
    """Return the methods by which a user proved themself in the second step, or ``None``.

    ``user_login_failed`` is sent once for each failure.

    Args:
        request: Django's request, for the project's function.
        user: who has proved the password.
        answer: what the client sent, as it was sent.
        verify: the project's function.

    Raises:
        TypeError: the function returned neither ``None`` nor names of methods.
    """
    methods = verify(request, user, answer)
    if methods is None:
        _announce_failure(request, user.get_username())
        return None
    # True, "otp" or an empty list is a slip that must not become a session.
    if not _are_methods(methods):
        raise TypeError(
            "TOKENAUTH_SECOND_STEP returned neither None nor a sequence of methods. Return "
            'names of RFC 8176, such as ("otp",), or None if the answer is not right.'
        )
    return tuple(methods)


def _are_methods(found: object) -> bool:
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        return False
    return all(isinstance(method, str) for method in found)


def _announce_failure(request: HttpRequest, username: str) -> None:
    hidden = {"username": username, "password": "*" * 20}
    user_login_failed.send(__name__, credentials=hidden, request=request)


def _is_usable(user: Any, expected: Any) -> bool:
    if user.pk is None or not getattr(user, "is_active", True):
        return False
    return expected is None or user.pk == expected.pk
