"""Beginning a session, and proving again who one is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from tokenauth import cookies, shortcuts
from tokenauth.addresses import origin_of
from tokenauth.authentication import StepUpAuthentication
from tokenauth.conf import Client, config
from tokenauth.exceptions import UnknownClient
from tokenauth.responses import error_response
from tokenauth.second_step import LIFETIME, make_challenge
from tokenauth.serializers import LoginSerializer, ReauthenticateSerializer, tokens_data
from tokenauth.sessions import carry_over, record_failed_login, step_up
from tokenauth.views.base import CookieView, ProtectedView
from tokenauth.views.guesses import Guess

__all__ = ["LoginView", "ReauthenticateView"]


class LoginView(CookieView):
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
        guess = Guess(request._request, data["username"])
        user = guess.check(data["password"])
        if user is None:  # Before the gate: its challenge would tell that the password was right.
            record_failed_login(client=client.name, origin=origin_of(request._request))
            return error_response("login_failed")
        gate = config.login_gate
        if gate is not None and (challenge := gate(request._request, user)) is not None:
            guess.passed()
            return self._ask(user, client, data, challenge)
        tokens = shortcuts.login(
            request,
            user,
            client=client.name,
            remember=data["remember"],
            device_name=data["device_name"],
            amr=("pwd",),
        )
        guess.succeeded(keeps_device=client.transport == "cookie" and data["remember"])
        return Response(tokens_data(tokens))

    def _ask(
        self, user: Any, client: Client, data: Mapping[str, Any], challenge: Mapping[str, Any]
    ) -> Response:
        """Return the gate's challenge, with what completes it if the project completes it here."""
        carry_over(user)  # the second request has another instance, which knows of no re-hash
        if config.second_step is None:
            return error_response("mfa_required", challenge=dict(challenge))
        made = make_challenge(
            user,
            client=client.name,
            remember=data["remember"],
            device_name=data["device_name"],
        )
        seconds = int(LIFETIME.total_seconds())
        completion = {"token": made.token, "expires_in": seconds}
        response = error_response("mfa_required", challenge={**challenge, **completion})
        if client.transport == "cookie":
            cookies.set_step_cookie(self.request._request, response, made.nonce, seconds)
        return response

    def _client(self, name: str | None) -> Client:
        try:
            client = config.client(name)
        except UnknownClient:
            client = None
        if client is None or not client.login:
            raise ValidationError({"client": ["Not a client that can log in here."]})
        return client


class ReauthenticateView(CookieView, ProtectedView):
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
        guess = Guess(django_request, owner.get_username(), session=session)
        user = guess.check(password, expected=owner)
        origin = origin_of(django_request)
        if user is None:
            record_failed_login(client=session.client, origin=origin, session=session)
            return error_response("login_failed")
        guess.succeeded()
        carry_over(user)
        return self.answer(step_up(session, amr=("pwd",), origin=origin))
