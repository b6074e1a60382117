"""DRF authentication by access token."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tokenauth.access import Access, check_access_token, verify_for_step_up
from tokenauth.conf import AccessCheck, config
from tokenauth.current import accept, access_of_cookie, cookie_user
from tokenauth.exceptions import AccessInvalid, TryAgain
from tokenauth.lazy_user import refuse_with
from tokenauth.responses import AccessRefused, Busy, challenge
from tokenauth.shortcuts import bearer_token
from tokenauth.tokens.access import AccessToken

__all__ = ["AccessTokenAuthentication", "SessionCheckAuthentication", "StepUpAuthentication"]

logger = logging.getLogger("tokenauth.authentication")


class AccessTokenAuthentication(BaseAuthentication):
    """Authenticate by ``Authorization: Bearer``, or by the access cookie where that is on.

    Sets ``request.auth`` to the verified token, a mapping of its claims, and
    ``request.auth_session`` to the session. A header is used alone: if its token is refused, no
    cookie is tried. Name this class first: DRF takes the status of an unauthenticated request
    from the first one.

    Attributes:
        ignore_foreign: whether a Bearer token that is not ours is left to the next class, for a
            project that moves over; by default it is a 401.
        check: one of :data:`tokenauth.conf.ACCESS_CHECKS`, or ``None`` for the setting's.
    """

    ignore_foreign = False
    check: AccessCheck | None = None

    @sensitive_variables("raw")
    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        """Return the user and the token, or ``None`` if the request has no token.

        Raises:
            AccessRefused: a token that is not accepted: 401 ``access_invalid``.
            Busy: the database has not answered for so long that nobody can be let in: 503.
        """
        django_request: HttpRequest = request._request
        if "HTTP_AUTHORIZATION" not in django_request.META:
            return self._by_cookie(django_request)
        raw = bearer_token(django_request)
        if raw is None:
            return None
        try:
            access = self._verify(raw)
        except AccessInvalid as error:
            logger.info("access token refused: %s", error)
            if self.ignore_foreign and error.is_foreign:
                return None
            raise AccessRefused from None
        except TryAgain:
            raise Busy from None
        return _accepted(django_request, access)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 section 3)."""
        return challenge(request._request)

    def _by_cookie(self, request: HttpRequest) -> tuple[Any, AccessToken] | None:
        try:
            access = self._access_of_cookie(request)
        except TryAgain:
            raise Busy from None
        if access is None:
            return None
        return _accepted(request, access)

    def _verify(self, raw: str) -> Access:
        return check_access_token(raw, self.check or config.access_token_check)

    def _access_of_cookie(self, request: HttpRequest) -> Access | None:
        return access_of_cookie(request, self.check)


class SessionCheckAuthentication(AccessTokenAuthentication):
    """The same with the session check, whatever the setting is.

    For views where a second, or the rest of an access token's life, is too late: those that show
    or end sessions, payments, changes of the account.
    """

    check = "session"


class StepUpAuthentication(SessionCheckAuthentication):
    """The same by a token of any generation, for ``reauthenticate/``: the password is the proof."""

    def _verify(self, raw: str) -> Access:
        return verify_for_step_up(raw)

    def _access_of_cookie(self, request: HttpRequest) -> Access | None:
        found = cookie_user(request)
        return None if found is None else found.verify_for_step_up()


def _accepted(request: HttpRequest, access: Access) -> tuple[Any, AccessToken]:
    refuse_with(access.user, lambda _message: AccessRefused())
    accept(request, access)
    return access.user, access.token
