"""Guesses at a password: between a request and what is counted of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from tokenauth import cookies, deferred, guessing
from tokenauth.addresses import client_ip, origin_of
from tokenauth.conf import SecondStep, config
from tokenauth.credentials import check_answer, check_credentials
from tokenauth.models import AuthSession

__all__ = ["Guess"]


class Guess:
    """A guess at a user's secret that is looked at.

    Args:
        request: Django's request.
        username: whose secret it is, as it was typed.
        kind: which secret; each has counters of its own.
        session: the session that is to be stepped up. It is its user's, as a device is.

    Raises:
        TooManyGuesses: it comes too early.
    """

    @sensitive_variables()
    def __init__(
        self,
        request: HttpRequest,
        username: str,
        *,
        kind: str = "login",
        session: AuthSession | None = None,
    ) -> None:
        self._request, self._username = request, username
        self._device = guessing.read_device(cookies.read_device_cookies(request), username)
        own = None if session is None else f"session {session.pk}"
        if own is None and self._device is not None and self._device.knows(username):
            own = f"device {self._device.id}"
        self._attempt = guessing.admit(
            username, ip=client_ip(request), kind=kind, origin=origin_of(request), own=own
        )

    @sensitive_variables()
    def check(self, password: str, *, expected: Any = None) -> Any:
        """Return the user whose password it is, or ``None``; a failure is counted.

        Args:
            password: exactly as it was sent.
            expected: the only user who will do.
        """
        user = None
        try:
            user = check_credentials(self._request, self._username, password, expected=expected)
        finally:
            # Also when a backend or a receiver raised: that must not make guesses free.
            if user is None:
                self.failed()
        return user

    @sensitive_variables()
    def check_answer(
        self, user: Any, answer: Mapping[str, Any], verify: SecondStep
    ) -> tuple[str, ...] | None:
        """Return the methods of the second step, or ``None``; a failure is counted.

        Args:
            user: who has proved the password.
            answer: exactly as it was sent.
            verify: the project's function.
        """
        methods = None
        try:
            methods = check_answer(self._request, user, answer, verify)
        finally:
            if methods is None:
                self.failed()
        return methods

    def failed(self) -> None:
        """Count a failure."""
        self._attempt.failed()

    def passed(self) -> None:
        """Note that it was right, and that another step is to come."""
        self._attempt.passed()

    def succeeded(self, *, keeps_device: bool = False) -> None:
        """Note that the user has logged in.

        Args:
            keeps_device: whether the browser may keep that it did, in the device cookie.
        """
        self._attempt.succeeded()
        if not keeps_device or config.guessing is None:
            return
        device = self._device or guessing.new_device()
        if not device.is_current(self._username):
            value = device.with_account(self._username).value()
            deferred.set_device_after_commit(self._request, value)
