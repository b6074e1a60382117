"""Completing a login whose gate asks for more than the password."""

from __future__ import annotations

from typing import Any, cast

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from tokenauth import cookies, shortcuts
from tokenauth.addresses import origin_of
from tokenauth.conf import Client, config
from tokenauth.exceptions import SecondStepFailed
from tokenauth.responses import error_response
from tokenauth.second_step import Challenge, methods_of
from tokenauth.serializers import SecondStepSerializer, tokens_data
from tokenauth.sessions import record_failed_login
from tokenauth.views.base import CookieView
from tokenauth.views.guesses import Guess

__all__ = ["SecondStepView"]


class SecondStepView(CookieView):
    """Exchange a login's challenge, and the answer to it, for a session."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Complete a login. The answer goes to the project's function as it was sent.

        Whatever is wrong with a challenge has the answer of a wrong code. The gate is not asked
        again: asking may mean that it sends a message.
        """
        verify = config.second_step
        if verify is None:
            return error_response("not_found")
        body = SecondStepSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        challenge = Challenge.read(body.validated_data["challenge"])
        client = self._client(challenge)
        django_request = request._request
        if client.transport == "cookie":
            self.require_csrf_proof()
            cookies.read_refresh_cookie(django_request)
            challenge.require_nonce(cookies.read_step_cookies(django_request))
        user = challenge.find_user()
        guess = Guess(django_request, user.get_username(), kind="second_step")
        challenge.count_answer()
        sent = cast("dict[str, Any]", request.data)
        answer = {name: value for name, value in sent.items() if name != "challenge"}
        methods = guess.check_answer(user, answer, verify)
        if methods is None:
            record_failed_login(client=client.name, origin=origin_of(django_request), user=user)
            raise SecondStepFailed("the answer is not right")
        challenge.use()
        tokens = shortcuts.login(
            request,
            user,
            client=client.name,
            remember=challenge.remember,
            device_name=challenge.device_name,
            amr=methods_of(methods),
        )
        guess.succeeded(keeps_device=client.transport == "cookie" and challenge.remember)
        response = Response(tokens_data(tokens))
        if client.transport == "cookie":
            cookies.clear_step_cookie(django_request, response)
        return response

    def _client(self, challenge: Challenge) -> Client:
        client = config.clients.get(challenge.client)
        if client is None or not client.login:
            raise SecondStepFailed("the client may no longer log in")
        return client
