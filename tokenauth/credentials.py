"""A user name and a password, for the endpoints that ask for one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

__all__ = ["check_credentials"]


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
    hidden = {"username": username, "password": "*" * 20}
    user_login_failed.send(__name__, credentials=hidden, request=request)
    return None


def _is_usable(user: Any, expected: Any) -> bool:
    if user.pk is None or not getattr(user, "is_active", True):
        return False
    return expected is None or user.pk == expected.pk
