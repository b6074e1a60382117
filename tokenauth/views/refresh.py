"""Keeping a session going, and ending it: what a refresh token is sent to."""

from __future__ import annotations

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from tokenauth import cookies, csrf, deferred, shortcuts, throttles
from tokenauth.addresses import origin_of
from tokenauth.conf import Transport
from tokenauth.responses import error_response
from tokenauth.sessions import rotate
from tokenauth.views.base import CookieView

__all__ = ["LogoutView", "RefreshView"]


class RefreshView(CookieView):
    """Exchange a refresh token for an access token, and for its successor when it is due."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Refresh. A cookie makes it a cookie request; a token never changes its transport.

        No failure clears a cookie: a deletion could overtake the cookie of a login that is under
        way in another tab.
        """
        cookie, sent = self._cookie_or_body()
        if cookie is not None:
            self.require_csrf_proof()
        refresh_token = sent if cookie is None else cookie
        if refresh_token is None:
            return error_response("refresh_missing")
        throttles.count_refresh(request._request, refresh_token)
        transport: Transport = "body" if cookie is None else "cookie"
        tokens = rotate(refresh_token, transport=transport, origin=origin_of(request._request))
        return self.answer(tokens)


class LogoutView(CookieView):
    """End the session."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Log out, by whatever authentic token the request has; without one, just the same."""
        django_request = request._request
        cookie, sent = self._cookie_or_body()
        if cookie is not None or cookies.read_access_cookie(django_request) is not None:
            self.require_csrf_proof()
        throttles.count_logout(django_request, sent if cookie is None else cookie)
        shortcuts.logout(request, refresh_token=sent)
        if not csrf.is_proved(django_request):
            # A form of another site brings no SameSite cookie, but its answer could delete one.
            deferred.defer_nothing(django_request)
        return Response(status=204)
