"""The table from what happened to status, code and words."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions as drf
from rest_framework.response import Response

from tests.conftest import Api
from tokenauth import exceptions
from tokenauth.responses import (
    ERRORS,
    AccessRefused,
    CsrfFailed,
    InsufficientUserAuthentication,
    challenge,
    complete,
    response_for,
)

CONTRACT = {
    400: {"bad_request", "refresh_ambiguous"},
    401: {
        *("login_failed", "mfa_required", "refresh_missing", "refresh_invalid"),
        *("refresh_superseded", "session_ended", "access_invalid", "not_authenticated"),
        "insufficient_user_authentication",
    },
    403: {"csrf_failed", "permission_denied"},
    404: {"not_found"},
    405: {"method_not_allowed"},
    406: {"not_acceptable"},
    415: {"unsupported_media_type"},
    429: {"throttled"},
    503: {"try_again"},
}
RAISED: list[tuple[Exception, str]] = [
    (exceptions.RefreshInvalid(), "refresh_invalid"),
    (exceptions.RefreshSuperseded(), "refresh_superseded"),
    (exceptions.SessionEnded("expired"), "session_ended"),
    (exceptions.AccessInvalid("why"), "access_invalid"),
    (exceptions.AccountUnusable(), "login_failed"),
    (exceptions.AmbiguousCookie(), "refresh_ambiguous"),
    (exceptions.TryAgain(), "try_again"),
    (AccessRefused(), "access_invalid"),
    (CsrfFailed(), "csrf_failed"),
    (InsufficientUserAuthentication(300), "insufficient_user_authentication"),
    (drf.ParseError(), "bad_request"),
    (drf.ValidationError({"x": ["y"]}), "bad_request"),
    (drf.NotAuthenticated(), "not_authenticated"),
    (drf.AuthenticationFailed(), "access_invalid"),
    (drf.PermissionDenied(), "permission_denied"),
    (drf.NotFound(), "not_found"),
    (Http404(), "not_found"),
    (drf.MethodNotAllowed("PUT"), "method_not_allowed"),
    (drf.NotAcceptable(), "not_acceptable"),
    (drf.UnsupportedMediaType("x"), "unsupported_media_type"),
    (drf.Throttled(59.2), "throttled"),
    (drf.Throttled(), "throttled"),
]


def answer(error: Exception, **headers: str) -> Any:
    """Return the response to an error; it must be one that is expected."""
    response = response_for(error, RequestFactory().get("/", headers=headers))
    assert response is not None
    return response


class TestTable:
    def test_is_that_of_the_contract(self) -> None:
        """Each code has the status that other programs rely on."""
        assert {code: status for status, codes in CONTRACT.items() for code in codes} == {
            code: status for code, (status, _words) in ERRORS.items()
        }


class TestResponseFor:
    @pytest.mark.parametrize(
        ("error", "code"), RAISED, ids=[f"{i}-{code}" for i, (_, code) in enumerate(RAISED)]
    )
    def test_expected_errors(self, error: Exception, code: str) -> None:
        """Each error of the domain and of the framework has its code, and words for people."""
        response = answer(error)
        assert response.data["code"] == code
        assert response.status_code == ERRORS[code][0]
        assert response.data["detail"]
        assert ("WWW-Authenticate" in response) == (response.status_code == 401)
        assert ("Retry-After" in response) == (response.status_code in {429, 503})

    def test_unexpected_errors_are_not_answered(self) -> None:
        """What nobody thought of is Django's to report."""
        assert response_for(RuntimeError(), RequestFactory().get("/")) is None

    def test_says_how_a_session_ended(self) -> None:
        """``reason`` is the coarse one."""
        assert answer(exceptions.SessionEnded("reuse")).data["reason"] == "reuse"

    def test_keeps_causes_to_itself(self) -> None:
        """Why an access token was refused is for the log."""
        response = answer(exceptions.AccessInvalid("the signature is wrong"))
        assert "signature" not in json.dumps(response.data)

    def test_throttled_waits_long_enough(self) -> None:
        """Retry-After is rounded up, and at least a second."""
        assert answer(drf.Throttled(59.2))["Retry-After"] == "60"
        assert answer(drf.Throttled(0))["Retry-After"] == "1"


class TestChallenge:
    @pytest.mark.req("REQ-69")
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("", "Bearer"),
            ("Basic x", "Bearer"),
            ("Bearers x", "Bearer"),
            ("Bearer", 'Bearer error="invalid_token"'),
            ("bEARER x", 'Bearer error="invalid_token"'),
            ("Bearer x y", 'Bearer error="invalid_token"'),
        ],
    )
    def test_names_an_error_if_a_token_was_sent(self, header: str, expected: str) -> None:
        """RFC 6750 section 3.1: without a token, no error."""
        request = RequestFactory().get("/", headers={"Authorization": header})
        assert challenge(request) == expected


class TestProjectsOwnViews:
    def test_have_the_same_body(self, app: Api, new_api: Callable[..., Api]) -> None:
        """A refused access token has ``detail`` and ``code`` by REST framework's handler too."""
        app.access = "x"
        response = app.whoami()
        assert (response.status_code, response.json()["code"]) == (401, "access_invalid")
        assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'


class TestComplete:
    """DRF's own answers in a project's views."""

    def answer(self, detail: Any, challenge: str = "Bearer") -> Response:
        """Return a 401 of DRF."""
        return Response(detail, status=401, headers={"WWW-Authenticate": challenge})

    def test_names_what_drf_says_in_words(self):
        """The words stay, in whatever language they are."""
        answer = self.answer({"detail": drf.NotAuthenticated("Wer?").detail})
        complete(answer)
        assert answer.data == {"detail": "Wer?", "code": "not_authenticated"}

    @pytest.mark.parametrize(
        ("detail", "challenge"),
        [
            ({"detail": drf.NotAuthenticated().detail}, 'Basic realm="api"'),
            ({"detail": drf.AuthenticationFailed().detail}, "Bearer"),
            ({"error": drf.NotAuthenticated().detail}, "Bearer"),
            ({"detail": drf.NotAuthenticated().detail, "trace": 1}, "Bearer"),
            ({"detail": "as it is"}, "Bearer"),
            (["a list"], "Bearer"),
            (None, "Bearer"),
        ],
    )
    def test_leaves_what_others_say(self, detail: Any, challenge: str):
        """Another authenticator's challenge, another fault, another handler's form."""
        answer = self.answer(detail, challenge)
        complete(answer)
        assert answer.data is detail
        assert "code" not in (detail or ())
