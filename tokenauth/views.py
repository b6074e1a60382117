"""The endpoints: read the request, call one function of the domain, answer."""

from __future__ import annotations

import uuid

from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tokenauth import cookies, csrf, shortcuts
from tokenauth.addresses import origin_of
from tokenauth.authentication import SessionCheckAuthentication, StepUpAuthentication
from tokenauth.conf import Client, config
from tokenauth.credentials import check_credentials
from tokenauth.exceptions import AmbiguousCookie, UnknownClient
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.responses import error_response
from tokenauth.rest import TokenAuthView
from tokenauth.serializers import (
    DeviceNameSerializer,
    LoginSerializer,
    ReauthenticateSerializer,
    RevokeSerializer,
    refresh_token_of,
    session_data,
    tokens_data,
)
from tokenauth.sessions import (
    Tokens,
    active_sessions,
    carry_over,
    find_own_session,
    record_failed_login,
    rename_session,
    revoke_session,
    revoke_user_sessions,
    rotate,
    step_up,
)

__all__ = [
    "LoginView",
    "LogoutView",
    "MeView",
    "ReauthenticateView",
    "RefreshView",
    "SessionListView",
    "SessionRevokeView",
    "SessionView",
]


class _CookieView(TokenAuthView):
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


class LoginView(_CookieView):
    """Exchange a user name and a password for a session."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Log in.

        The password goes to the authentication backends exactly as it was sent. The answer is
        the same, and so is the work, for an unknown user, a wrong password and an account that
        is not active.
        """
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        client = self._client(data.get("client"))
        if client.transport == "cookie":
            self.require_csrf_proof()
            cookies.read_refresh_cookie(request._request)
        user = check_credentials(request._request, data["username"], data["password"])
        if user is None:  # Before the gate: its challenge would tell that the password was right.
            record_failed_login(client=client.name, origin=origin_of(request._request))
            return error_response("login_failed")
        gate = config.login_gate
        if gate is not None and (challenge := gate(request._request, user)) is not None:
            return error_response("mfa_required", challenge=dict(challenge))
        tokens = shortcuts.login(
            request,
            user,
            client=client.name,
            remember=data["remember"],
            device_name=data["device_name"],
            amr=("pwd",),
        )
        return Response(tokens_data(tokens))

    def _client(self, name: str | None) -> Client:
        try:
            client = config.client(name)
        except UnknownClient:
            client = None
        if client is None or not client.login:
            raise ValidationError({"client": ["Not a client that can log in here."]})
        return client


class RefreshView(_CookieView):
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
        origin = origin_of(request._request)
        if cookie is not None:
            tokens = rotate(cookie, transport="cookie", origin=origin)
        elif sent is not None:
            tokens = rotate(sent, transport="body", origin=origin)
        else:
            return error_response("refresh_missing")
        return self.answer(tokens)


class LogoutView(_CookieView):
    """End the session."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Log out, by whatever authentic token the request has; without one, just the same."""
        django_request = request._request
        cookie, sent = self._cookie_or_body()
        if cookie is not None or cookies.read_access_cookie(django_request) is not None:
            self.require_csrf_proof()
        shortcuts.logout(request, refresh_token=sent)
        if not csrf.is_proved(django_request):
            # A form of another site brings no SameSite cookie, but its answer could delete one.
            cookies.defer_nothing(django_request)
        return Response(status=204)


class _IsProved(IsAuthenticated):
    """The caller was authenticated, not just named by ``UNAUTHENTICATED_USER``."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        proved = request.successful_authenticator is not None
        return proved and super().has_permission(request, view)


class _ProtectedView(TokenAuthView):
    """An endpoint about the caller, who sends an access token."""

    authentication_classes = (SessionCheckAuthentication,)
    permission_classes = (_IsProved,)

    @property
    def current_session(self) -> AuthSession | None:
        """The session of the request; none under ``force_authenticate``."""
        return getattr(self.request._request, "auth_session", None) or None

    def clear_if_current(self, session: AuthSession | None) -> None:
        """Have the cookies deleted if a session that was ended is the caller's own."""
        current = self.current_session
        if session is not None and current is not None and session.pk == current.pk:
            cookies.defer_clear(self.request._request)


class ReauthenticateView(_CookieView, _ProtectedView):
    """Prove again who one is: a step-up by password."""

    authentication_classes = (StepUpAuthentication,)

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Step up, also by an access token from before a step-up whose answer was lost.

        The password goes to the authentication backends as it was sent, with the user's own name.
        """
        django_request, session = request._request, self.current_session
        if session is None:  # force_authenticate
            return error_response("not_authenticated")
        if session.transport == "cookie":
            self.require_csrf_proof()
            cookies.read_refresh_cookie(django_request)
        body = ReauthenticateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        password, owner = body.validated_data["password"], request.user
        user = check_credentials(django_request, owner.get_username(), password, expected=owner)
        origin = origin_of(django_request)
        if user is None:
            record_failed_login(client=session.client, origin=origin, session=session)
            return error_response("login_failed")
        carry_over(user)
        return self.answer(step_up(session, amr=("pwd",), origin=origin))


class MeView(_ProtectedView):
    """Who the caller is."""

    def get(self, request: Request) -> Response:
        """Return the caller's key and user name, and the session in use."""
        current = self.current_session
        user = {"id": str(request.user.pk), "username": request.user.get_username()}
        session = None if current is None else session_data(current, current)
        return Response({"user": user, "session": session})


class SessionListView(_ProtectedView):
    """The caller's sessions."""

    def get(self, request: Request) -> Response:
        """List the active ones, the newest first, at most 100."""
        current = self.current_session
        found = active_sessions(request.user)
        return Response({"sessions": [session_data(session, current) for session in found]})


class SessionView(_ProtectedView):
    """One of the caller's sessions."""

    def patch(self, request: Request, sid: str) -> Response:
        """Rename its device."""
        body = DeviceNameSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = self._find(sid)
        if session is None:
            return error_response("not_found")
        rename_session(session, body.validated_data["device_name"])
        return Response(session_data(session, self.current_session))

    def delete(self, request: Request, sid: str) -> Response:
        """End it."""
        session = self._find(sid)
        if session is None:
            return error_response("not_found")
        revoke_session(
            session,
            reason=RevokedReason.USER,
            actor=request.user,
            origin=origin_of(request._request),
        )
        self.clear_if_current(session)
        return Response(status=204)

    def _find(self, sid: str) -> AuthSession | None:
        """Return the caller's living session of this id: another's is as unknown as none."""
        try:
            wanted = uuid.UUID(sid)
        except ValueError:
            return None
        if str(wanted) != sid:
            return None
        return find_own_session(self.request.user, wanted)


class SessionRevokeView(_ProtectedView):
    """Many of the caller's sessions at once."""

    def post(self, request: Request) -> Response:
        """End the others, or all of them, the current one too."""
        body = RevokeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        everything = body.validated_data["scope"] == "all"
        revoked = revoke_user_sessions(
            request.user,
            reason=RevokedReason.USER,
            actor=request.user,
            keep=None if everything else self.current_session,
            origin=origin_of(request._request),
        )
        if everything:
            self.clear_if_current(self.current_session)
        return Response({"revoked": revoked})
