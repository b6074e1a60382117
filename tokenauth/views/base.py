"""What the endpoints have in common."""

from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tokenauth import cookies, deferred, throttles
from tokenauth.authentication import SessionCheckAuthentication
from tokenauth.conf import config
from tokenauth.exceptions import AmbiguousCookie
from tokenauth.models import AuthSession
from tokenauth.permissions import require_recent_proof
from tokenauth.rest import TokenAuthView
from tokenauth.serializers import refresh_token_of, tokens_data
from tokenauth.sessions import Tokens

__all__ = ["CookieView", "ProtectedView"]


class CookieView(TokenAuthView):
    """An endpoint that the refresh cookie is sent to."""

    def handle_exception(self, exc: Exception) -> Response:
        """Also delete what a sibling host has planted, if there were two refresh cookies."""
        response = super().handle_exception(exc)
        if isinstance(exc, AmbiguousCookie):
            cookies.clear_planted_cookies(self.request._request, response)
        return response

    def _cookie_or_body(self) -> tuple[str | None, str | None]:
        """Return the refresh token of the cookie and that of the body; at most one of them."""
        body = self.request.data
        cookie = cookies.read_refresh_cookie(self.request._request)
        return (cookie, None) if cookie is not None else (None, refresh_token_of(body))

    def answer(self, tokens: Tokens) -> Response:
        """Return new tokens: what is for cookies in cookies, the rest in the body."""
        response = Response(tokens_data(tokens))
        cookies.set_cookies(self.request._request, response, tokens)
        return response


class _IsProved(IsAuthenticated):
    """The caller was authenticated, not just named by ``UNAUTHENTICATED_USER``."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        proved = request.successful_authenticator is not None
        return proved and super().has_permission(request, view)


class ProtectedView(TokenAuthView):
    """An endpoint about the caller, who sends an access token."""

    authentication_classes = (SessionCheckAuthentication,)
    permission_classes = (_IsProved,)

    def check_throttles(self, request: Request) -> None:
        """Apply the project's throttles, then the limit of the caller."""
        super().check_throttles(request)
        throttles.count_caller(request)

    @property
    def current_session(self) -> AuthSession | None:
        """The session of the request; none under ``force_authenticate``."""
        return getattr(self.request._request, "auth_session", None) or None

    def require_proof(self) -> None:
        """Refuse whoever has not proved lately enough who they are to end other sessions.

        A thief with an access token could otherwise end the sessions that would catch him.

        Raises:
            InsufficientUserAuthentication: the proof is older than ``TOKENAUTH_REVOKE_MAX_AGE``.
        """
        max_age = config.revoke_max_age
        if max_age is not None:
            require_recent_proof(self.request.auth, max_age)

    def clear_if_current(self, session: AuthSession | None) -> None:
        """Have the cookies deleted if a session that was ended is the caller's own."""
        current = self.current_session
        if session is not None and current is not None and session.pk == current.pk:
            deferred.defer_clear(self.request._request)
