"""Who a request speaks for, as far as our tokens say so."""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db import Error
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.views.decorators.debug import sensitive_variables

from tokenauth import cookies, csrf, system
from tokenauth.access import Access, check_access_token, verify_for_step_up
from tokenauth.conf import AccessCheck, config
from tokenauth.exceptions import AccessInvalid
from tokenauth.first_uses import first_uses
from tokenauth.issuing import read_token
from tokenauth.sessions import confirm_use

__all__ = [
    "CookieUser",
    "accept",
    "access_of_cookie",
    "cookie_user",
    "first_use",
    "is_forged",
    "needs_list",
    "read_cookie",
    "record_first_use",
]

logger = logging.getLogger("tokenauth.current")

_COOKIE_USER = "_tokenauth_cookie_user"
_ACCEPTED = "_tokenauth_accepted"
_NOBODY = AnonymousUser()


def accept(request: HttpRequest, access: Access) -> None:
    """Attach a verified token's session to a request, and remember to record its first use."""
    request.auth_session = access.session  # type: ignore[attr-defined]  # the middleware's
    setattr(request, _ACCEPTED, access)


def first_use(request: HttpRequest) -> Access | None:
    """Return what was accepted, if its generation was not known to be in use."""
    access: Access | None = getattr(request, _ACCEPTED, None)
    return access if access is not None and access.is_first_use else None


def record_first_use(access: Access) -> None:
    """Record that a generation is in use; a failure is logged, and a later use records it."""
    try:
        confirm_use(access.token, system.now())
    except Error:
        logger.exception("the first use in session %s was not recorded", access.token["sid"])
    else:
        first_uses.add(access.token)


@sensitive_variables("raw")
def is_forged(request: HttpRequest, raw: str) -> bool:
    """Return whether a request with our cookie may have been caused by another site.

    Only a token that would authenticate makes it worth refusing; without the database.
    """
    if request.method in csrf.SAFE_METHODS or csrf.is_proved(request):
        return False
    try:
        read_token(raw, system.now())
    except AccessInvalid:
        return False
    return True


class CookieUser:
    """The user of an access cookie, looked up when somebody asks, once for a request.

    A Django session that authenticated somebody comes first. A cookie that is forged, expired or
    of an ended session is anonymous.

    Attributes:
        was_asked: whether anybody did, so that the response varies by cookie.
    """

    def __init__(self, request: HttpRequest, raw: str) -> None:
        self.was_asked = False
        self._request = request
        self._raw = raw
        # Not "or": the truth of Django's lazy user is a look-up, and under ASGI an error.
        self._django_user: Any = getattr(request, "user", _NOBODY)
        self._answer: tuple[Any, Access | None] | None = None

    def attach(self) -> None:
        """Set ``request.user``, ``request.auser`` and ``request.auth_session``, lazily."""
        request = self._request

        async def auser() -> Any:
            return await sync_to_async(lambda: self.user)()

        request.user = SimpleLazyObject(lambda: self.user)  # type: ignore[assignment]  # as Django's
        request.auser = auser
        request.auth_session = SimpleLazyObject(lambda: self.session)  # type: ignore[attr-defined]  # the middleware's
        setattr(request, _COOKIE_USER, self)

    @property
    def user(self) -> Any:
        """The user, or an anonymous one."""
        return self._resolve()[0]

    @property
    def session(self) -> Any:
        """The session, or ``None``."""
        access = self.access
        return None if access is None else access.session

    @property
    def access(self) -> Access | None:
        """The verified token, or ``None``."""
        return self._resolve()[1]

    def access_by(self, check: AccessCheck | None) -> Access | None:
        """Return the token, verified by this check if it is not the one of the setting."""
        if self.access is not None and check not in {None, config.access_token_check}:
            self._answer = self._look_up(check)
        return self.access

    def verify_for_step_up(self) -> Access | None:
        """Return what the cookie proves beside a password: its generation does not matter."""
        if self._django_user.is_authenticated:
            return None
        try:
            return verify_for_step_up(self._raw)
        except AccessInvalid as error:
            logger.info("access cookie ignored: %s", error)
            return None

    def _resolve(self) -> tuple[Any, Access | None]:
        self.was_asked = True
        if self._answer is None:
            self._answer = self._look_up()
        return self._answer

    def _look_up(self, check: AccessCheck | None = None) -> tuple[Any, Access | None]:
        if self._django_user.is_authenticated:
            return self._django_user, None
        try:
            access = check_access_token(self._raw, check or config.access_token_check)
        except AccessInvalid as error:
            logger.info("access cookie ignored: %s", error)
            return self._django_user, None
        setattr(self._request, _ACCEPTED, access)
        return access.user, access


def cookie_user(request: HttpRequest) -> CookieUser | None:
    """Return what the middleware attached to a request with our access cookie, or ``None``."""
    found: CookieUser | None = getattr(request, _COOKIE_USER, None)
    return found


def access_of_cookie(request: HttpRequest, check: AccessCheck | None = None) -> Access | None:
    """Return what the access cookie of a request proves, or ``None``.

    Args:
        request: the request.
        check: a check that must have been made of it, whatever the setting is.
    """
    found = cookie_user(request)
    return None if found is None else found.access_by(check)


def needs_list(request: HttpRequest) -> bool:
    """Return whether the request's token, if it has one, will be looked up in the list."""
    if not config.uses_revocation_list:
        return False
    return "HTTP_AUTHORIZATION" in request.META or read_cookie(request) is not None


def read_cookie(request: HttpRequest) -> str | None:
    """Return the access cookie that counts: none beside an ``Authorization`` header."""
    if "HTTP_AUTHORIZATION" in request.META:
        return None
    return cookies.read_access_cookie(request)
