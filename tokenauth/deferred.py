"""Cookies that wait: for the commit of what they are about, and for the response they go on.

``login()`` and its like may be called in any view, which has no response yet, and in a transaction
that may still be rolled back. The middleware writes what is due.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tokenauth import cookies
from tokenauth.database import after_commit, in_transaction, is_held_by_test_case, write_alias

if TYPE_CHECKING:
    from tokenauth.issuing import Tokens

__all__ = [
    "apply_deferred",
    "clear_after_commit",
    "defer_clear",
    "defer_nothing",
    "defer_set",
    "is_waiting",
    "set_after_commit",
    "set_device_after_commit",
    "settle",
]

_DEFERRED = "_tokenauth_cookies"
_DEVICE = "_tokenauth_device"
_WAITING = "_tokenauth_waiting"


def defer_set(request: HttpRequest, tokens: Tokens) -> None:
    """Have the middleware set the cookies of these tokens on whatever response follows."""
    setattr(request, _DEFERRED, tokens)


def defer_clear(request: HttpRequest) -> None:
    """Have the middleware delete the cookies on whatever response follows."""
    setattr(request, _DEFERRED, None)


def set_after_commit(request: HttpRequest, tokens: Tokens) -> None:
    """Have the middleware set the cookies of these tokens, if what made them is committed."""
    _after_commit(request, lambda: defer_set(request, tokens))


def clear_after_commit(request: HttpRequest) -> None:
    """Have the middleware delete the cookies, if what ended their session is committed."""
    _after_commit(request, lambda: defer_clear(request))


def set_device_after_commit(request: HttpRequest, value: str) -> None:
    """Have the middleware set the device cookie, if the login is committed. Logout leaves it."""
    _after_commit(request, lambda: setattr(request, _DEVICE, value))


def _after_commit(request: HttpRequest, action: Callable[[], None]) -> None:
    if in_transaction(write_alias()):
        request.__dict__.setdefault(_WAITING, []).append(action)
    after_commit(action, write_alias())


def is_waiting(request: HttpRequest) -> bool:
    """Return whether something about cookies was asked for in a transaction."""
    return _WAITING in request.__dict__


def settle(request: HttpRequest) -> None:
    """In a ``TestCase``, which commits nothing, do what a commit would have done."""
    for action in request.__dict__.pop(_WAITING, ()):
        if is_held_by_test_case(action, write_alias()):
            action()


def defer_nothing(request: HttpRequest) -> None:
    """Forget what ``defer_set`` or ``defer_clear`` asked for."""
    request.__dict__.pop(_DEFERRED, None)


def apply_deferred(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write what ``defer_set`` or ``defer_clear``, whichever came last, asked for; and a device."""
    asked = request.__dict__
    if (tokens := asked.pop(_DEFERRED, _DEFERRED)) is None:
        cookies.clear_cookies(request, response)
    elif tokens is not _DEFERRED:
        cookies.set_cookies(request, response, tokens)
    if (device := asked.pop(_DEVICE, None)) is not None:
        cookies.set_device_cookie(request, response, device)
