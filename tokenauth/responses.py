"""What a client is told: one table from what happened to status, code and words.

Every error has the body ``{"detail": "for people", "code": "for programs"}``. Errors are returned,
never raised out of a view: DRF rolls the transaction back for what is raised under
``ATOMIC_REQUESTS``, and a revocation with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response

from tokenauth.exceptions import (
    AccessInvalid,
    AccountUnusable,
    AmbiguousCookie,
    RefreshInvalid,
    RefreshSuperseded,
    SecondStepFailed,
    SessionEnded,
    TooManyGuesses,
    TryAgain,
)
from tokenauth.shortcuts import bearer_token

__all__ = [
    "ERRORS",
    "AccessRefused",
    "Busy",
    "CsrfFailed",
    "InsufficientUserAuthentication",
    "challenge",
    "complete",
    "error_body",
    "error_response",
    "response_for",
]

logger = logging.getLogger("tokenauth.responses")

RETRY_AFTER = 1
"""Seconds after which a request that lost its races may come again."""

ERRORS: dict[str, tuple[int, Any]] = {
    "bad_request": (400, _("The request is not understood.")),
    "refresh_ambiguous": (400, _("There were two refresh cookies. Try again.")),
    "login_failed": (401, _("No active account was found with these credentials.")),
    "mfa_required": (401, _("Another step is needed to log in.")),
    "refresh_missing": (401, _("No refresh token was sent.")),
    "refresh_invalid": (401, _("The refresh token is not valid. Log in again.")),
    "refresh_superseded": (401, _("The refresh token was replaced. Use the one you hold now.")),
    "session_ended": (401, _("The session has ended. Log in again.")),
    "access_invalid": (401, _("The access token is not valid. Refresh it.")),
    "not_authenticated": (401, _("No access token was sent.")),
    "insufficient_user_authentication": (401, _("Prove again who you are, then repeat this.")),
    "csrf_failed": (403, _("The request does not come from this site.")),
    "permission_denied": (403, _("You may not do this.")),
    "not_found": (404, _("Not found.")),
    "method_not_allowed": (405, _("The method is not allowed here.")),
    "not_acceptable": (406, _("Only application/json can be sent.")),
    "unsupported_media_type": (415, _("Only application/json is understood.")),
    "throttled": (429, _("Too many requests. Try again later.")),
    "try_again": (503, _("Too busy just now. Try again.")),
}


def error_body(code: str, **members: Any) -> dict[str, Any]:
    """Return the body of an error: ``detail``, ``code``, and ``members`` that are not ``None``."""
    extra = {name: value for name, value in members.items() if value is not None}
    return {"detail": str(ERRORS[code][1]), "code": code, **extra}


def error_response(
    code: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """Return the response of one error of the table, with further members in its body."""
    status = ERRORS[code][0]
    sent = dict(headers or {})
    if status == 401:  # noqa: PLR2004 - the status itself
        sent.setdefault("WWW-Authenticate", "Bearer")
    if status in {429, 503}:
        sent.setdefault("Retry-After", str(RETRY_AFTER))
    return Response(error_body(code, **members), status=status, headers=sent)


def challenge(request: HttpRequest) -> str:
    """Return ``WWW-Authenticate`` for a request (RFC 6750 section 3); why, if it sent a token."""
    return "Bearer" if bearer_token(request) is None else 'Bearer error="invalid_token"'


def complete(response: object) -> None:
    """Give DRF's own answer to a request without an access token its ``code``.

    In a project's views DRF's handler shows no more of it than the words. What another
    authenticator challenges, or another handler answers, is left as it is.

    Args:
        response: of whatever view, before it is rendered.
    """
    if not isinstance(response, Response) or response.headers.get("WWW-Authenticate") != "Bearer":
        return
    data = response.data
    if isinstance(data, dict) and data.keys() == {"detail"}:
        code = getattr(data["detail"], "code", None)
        if code == drf.NotAuthenticated.default_code:
            data["code"] = code


class AccessRefused(drf.AuthenticationFailed):
    """An access token that is not accepted, as DRF's own handler shows it in a project's views."""

    def __init__(self) -> None:
        super().__init__(error_body("access_invalid"), "access_invalid")


class Busy(drf.APIException):
    """No verdict on an access token is possible now, as DRF's own handler shows it."""

    status_code = ERRORS["try_again"][0]
    wait = RETRY_AFTER  # what DRF's handler makes Retry-After of

    def __init__(self) -> None:
        super().__init__(error_body("try_again"), "try_again")


class CsrfFailed(drf.PermissionDenied):
    """A cookie would have authenticated a request that does not come from the site."""

    def __init__(self) -> None:
        super().__init__(error_body("csrf_failed"), "csrf_failed")


class InsufficientUserAuthentication(drf.APIException):
    """The user proved who they are too long ago, as DRF's own handler shows it (RFC 9470).

    Args:
        max_age: how long ago it may be, in full seconds.

    Attributes:
        auth_header: the challenge (RFC 9470 section 3), where DRF's handler looks for it.
    """

    # No AuthenticationFailed, whose challenge DRF takes from the authenticator.
    status_code = ERRORS["insufficient_user_authentication"][0]

    def __init__(self, max_age: int) -> None:
        code = "insufficient_user_authentication"
        super().__init__(error_body(code), code)
        description = "More recent authentication is required"
        self.auth_header = (
            f'Bearer error="{code}", error_description="{description}", max_age="{max_age}"'
        )


_DOMAIN: dict[type[Exception], str] = {
    RefreshInvalid: "refresh_invalid",
    RefreshSuperseded: "refresh_superseded",
    AccessInvalid: "access_invalid",
    AccountUnusable: "login_failed",
    SecondStepFailed: "login_failed",
    AmbiguousCookie: "refresh_ambiguous",
    TryAgain: "try_again",
}
_FRAMEWORK: tuple[tuple[type[Exception], str], ...] = (
    (AccessRefused, "access_invalid"),
    (Busy, "try_again"),
    (CsrfFailed, "csrf_failed"),
    (InsufficientUserAuthentication, "insufficient_user_authentication"),
    (drf.NotAuthenticated, "not_authenticated"),
    (drf.AuthenticationFailed, "access_invalid"),
    (drf.PermissionDenied, "permission_denied"),
    (drf.NotFound, "not_found"),
    (Http404, "not_found"),
    (drf.MethodNotAllowed, "method_not_allowed"),
    (drf.NotAcceptable, "not_acceptable"),
    (drf.UnsupportedMediaType, "unsupported_media_type"),
    (drf.ParseError, "bad_request"),
)


def response_for(error: Exception, request: HttpRequest) -> Response | None:
    """Translate what went wrong; ``None`` for what nobody expected.

    Args:
        error: what was raised.
        request: the request, for the challenge of a 401.
    """
    if isinstance(error, SessionEnded):
        return error_response("session_ended", reason=str(error.reason))
    if isinstance(error, drf.ValidationError):
        return error_response("bad_request", errors=error.detail)
    if isinstance(error, drf.Throttled | TooManyGuesses):
        seconds: float | None = vars(error)["wait"]  # an attribute that the stubs lack
        wait = RETRY_AFTER if seconds is None else max(RETRY_AFTER, int(seconds))
        return error_response("throttled", headers={"Retry-After": str(wait)})
    if isinstance(error, OperationalError | InterfaceError):
        # With the request, an error mail uses the filter that hides what the frames hold.
        facts = {"request": request}
        logger.error("the database refused: %s", type(error).__name__, exc_info=error, extra=facts)
        return error_response("try_again")
    code = _DOMAIN.get(type(error))
    if code is None:
        code = next((code for kind, code in _FRAMEWORK if isinstance(error, kind)), None)
    if code is None:
        return None
    if isinstance(error, InsufficientUserAuthentication):
        headers = {"WWW-Authenticate": error.auth_header}
    else:
        headers = {"WWW-Authenticate": challenge(request)} if ERRORS[code][0] == 401 else {}  # noqa: PLR2004
    return error_response(code, headers=headers)
