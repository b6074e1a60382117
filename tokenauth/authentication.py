"""DRF authentication by access token."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tokenauth.access import Access, verify_access_token, verify_for_step_up
from tokenauth.current import accept, access_of_cookie, cookie_user
from tokenauth.exceptions import AccessInvalid
from tokenauth.responses import AccessRefused, challenge
from tokenauth.shortcuts import bearer_token
from tokenauth.tokens.access import AccessToken

__all__ = ["AccessTokenAuthentication", "StepUpAuthentication"]

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
    """

    ignore_foreign = False

    @sensitive_variables("raw")
    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        """Return the user and the token, or ``None`` if the request has no token.

        Raises:
            AccessRefused: a token that is not accepted: 401 ``access_invalid``.
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
        self._accept(django_request, access)
        return access.user, access.token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 section 3)."""
        return challenge(request._request)

    def _by_cookie(self, request: HttpRequest) -> tuple[Any, AccessToken] | None:
        access = self._access_of_cookie(request)
        if access is None:
            return None
        self._accept(request, access)
        return access.user, access.token

    def _verify(self, raw: str) -> Access:
        return verify_access_token(raw)

    def _access_of_cookie(self, request: HttpRequest) -> Access | None:
        return access_of_cookie(request)

    def _accept(self, request: HttpRequest, access: Access) -> None:
        accept(request, access)


class StepUpAuthentication(AccessTokenAuthentication):
    """The same by a token of any generation, for ``reauthenticate/``: the password is the proof.

    Its use confirms no generation: the step-up that follows makes it a thing of the past.
    """

    def _verify(self, raw: str) -> Access:
        return verify_for_step_up(raw)

    def _access_of_cookie(self, request: HttpRequest) -> Access | None:
        found = cookie_user(request)
        return None if found is None else found.verify_for_step_up()

    def _accept(self, request: HttpRequest, access: Access) -> None:
        request.auth_session = access.session  # type: ignore[attr-defined]  # the middleware's
