"""DRF's authentication by access token, in the views of a project."""

from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import AccessToken as SimpleAccessToken

from tests.tokens.forging import forge, header
from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.conf import config
from tokenauth.models import AuthSession
from tokenauth.sessions import Tokens, start_session

SAME_BODY = {"detail": "The access token is not valid. Refresh it.", "code": "access_invalid"}


class Forgiving(AccessTokenAuthentication):
    """A class of a project that moves over."""

    ignore_foreign = True


class View(APIView):
    """A view of a project, with DRF's own error handler."""

    authentication_classes = [AccessTokenAuthentication]
    seen: Request

    def get(self, request: Request) -> Response:
        """Answer what the request knows, and keep it for the test."""
        type(self).seen = request
        return Response({"username": request.user.get_username()})


class StaffView(View):
    permission_classes = [IsAdminUser]


class MovingView(View):
    authentication_classes = [Forgiving, JWTAuthentication]


class ForgivingView(View):
    authentication_classes = [Forgiving]


@pytest.fixture
def tokens(user, clock) -> Tokens:
    """Ada's tokens."""
    return start_session(user)


def ask(view: type[View], authorization: str | None = None, path: str = "/") -> Response:
    """Send a request with this ``Authorization`` header, or without one."""
    headers = {} if authorization is None else {"Authorization": authorization}
    # As Django's handler does it under ATOMIC_REQUESTS, where DRF rolls back for a refusal.
    with transaction.atomic():
        response: Response = view.as_view()(APIRequestFactory().get(path, headers=headers))
    return response


def changed(tokens: Tokens, **changes: Any) -> str:
    """Return the access token with other claims, signed with the real key."""
    body = jwt.decode(tokens.access, options={"verify_signature": False})
    key = config.signing_keys.current
    return forge(key, header(key), {**body, **changes})


class TestAccepted:
    def test_sets_the_user(self, user, tokens):
        """As the project's code expects it."""
        assert ask(View, f"Bearer {tokens.access}").data == {"username": "ada"}
        assert View.seen.user == user

    def test_sets_a_mapping_that_cannot_be_changed(self, tokens):
        """``request.auth`` is the verified claims."""
        ask(View, f"Bearer {tokens.access}")
        auth: Any = View.seen.auth
        assert auth["sid"] == str(tokens.session.pk)
        with pytest.raises(TypeError):
            auth["sub"] = "1"
        assert isinstance(auth, Mapping)

    def test_sets_the_session(self, tokens):
        """``request.auth_session`` is the row, without another query."""
        ask(View, f"Bearer {tokens.access}")
        seen: Any = View.seen
        assert seen.auth_session == tokens.session

    @pytest.mark.req("REQ-70")
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    def test_the_scheme_has_no_case(self, tokens, scheme):
        """RFC 9110 section 11.1."""
        assert ask(View, f"{scheme} {tokens.access}").status_code == 200

    def test_records_the_first_use_of_a_generation(self, app):
        """The middleware writes it after the view, once."""
        session = AuthSession.objects.get()
        assert (session.generation, session.confirmed_generation) == (0, -1)
        app.whoami()
        session.refresh_from_db()
        assert session.confirmed_generation == 0


class TestRefused:
    @pytest.mark.req("REQ-69")
    def test_one_answer_for_every_cause(self, user, tokens, clock):
        """The cause is in the log, never in the answer: status, body and challenge are one."""
        other = start_session(user)
        AuthSession.objects.filter(pk=other.session.pk).update(revoked_at=clock.time)
        causes = [
            *("garbage", "", "a b", other.access, tokens.access[:-1], tokens.access + "="),
            *(changed(tokens, sub="0", user_id="0"), changed(tokens, exp=0), tokens.refresh),
            *(changed(tokens, sid=str(user.pk)), changed(tokens, gen="0"), "x" * 9000),
        ]
        answers = [ask(View, f"Bearer {cause}") for cause in causes]
        assert {answer.status_code for answer in answers} == {401}
        assert [answer.data for answer in answers] == [SAME_BODY] * len(causes)
        challenges = {answer["WWW-Authenticate"] for answer in answers}
        assert challenges == {'Bearer error="invalid_token"'}

    @pytest.mark.req("REQ-69")
    def test_without_a_token_there_is_no_error_in_the_challenge(self, db):
        """401 and not 403, and a challenge that only names the scheme."""
        answer = ask(View)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Bearer"
        assert answer.data["detail"].code == "not_authenticated"

    @pytest.mark.parametrize(
        "authorization", ["Basic YTpi", "Token abc", "", "JWT a.b.c", "DPoP x"]
    )
    def test_another_scheme_is_no_token(self, db, authorization):
        """It is left to whichever class it is for."""
        answer = ask(View, authorization)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Bearer"

    @pytest.mark.req("REQ-70")
    @pytest.mark.parametrize("form", ["Bearer", "Bearer ", "Bearer {0} {0}", "Bearer {0},{0}"])
    def test_a_header_holds_exactly_one_token(self, tokens, form):
        """None, or two: refused."""
        answer = ask(View, form.format(tokens.access))
        assert answer.status_code == 401
        assert answer.data["code"] == "access_invalid"

    @pytest.mark.req("REQ-70")
    @pytest.mark.parametrize("name", ["access_token", "access", "token", "Authorization"])
    def test_a_token_in_the_url_is_ignored(self, tokens, name):
        """URLs are logged."""
        assert ask(View, path=f"/?{name}={tokens.access}").status_code == 401

    def test_the_token_is_not_in_the_log(self, tokens, caplog):
        """What is logged is the cause."""
        raw = changed(tokens, gen=-1)
        ask(View, f"Bearer {raw}")
        assert caplog.records
        assert raw[-32:] not in caplog.text

    @pytest.mark.req("REQ-71")
    def test_staff_who_were_demoted_are_refused(self, user, tokens):
        """With a token from when they still were."""
        User.objects.update(is_staff=True)
        assert ask(StaffView, f"Bearer {tokens.access}").status_code == 200
        User.objects.update(is_staff=False)
        assert ask(StaffView, f"Bearer {tokens.access}").status_code == 403


class TestOtherKindOfToken:
    @pytest.mark.req("REQ-27")
    def test_a_refresh_token_is_no_access_token(self, app):
        """Sent as Bearer it is refused, and it still works where it belongs."""
        app.access = app.refresh_token
        assert app.whoami().status_code == 401
        assert app.refresh().status_code == 200

    @pytest.mark.req("REQ-27")
    def test_an_access_token_is_no_refresh_token(self, app):
        """In the body of a refresh it is refused, and its session goes on."""
        answer = app.refresh(app.access)
        assert answer.status_code == 401
        assert answer.json()["code"] == "refresh_invalid"
        assert app.whoami().status_code == 200

    @pytest.mark.req("REQ-27")
    def test_an_access_token_is_no_refresh_cookie(self, browser):
        """In the place of the cookie it is refused."""
        name = next(iter(browser.http.cookies))
        browser.http.cookies[name] = browser.access
        assert browser.refresh().json()["code"] == "refresh_invalid"
        assert browser.whoami().status_code == 200


class TestCookie:
    @pytest.fixture
    def page(self, settings, browser):
        """A browser with a valid access cookie."""
        settings.TOKENAUTH_ACCESS_COOKIE = True
        assert browser.login().status_code == 200
        assert browser.whoami(bearer=False).status_code == 200
        return browser

    @pytest.mark.parametrize("authorization", ["Bearer garbage", "Bearer", "Bearer a.b.c"])
    def test_a_refused_header_does_not_fall_back_to_it(self, page, authorization):
        """One of the two is wrong, and nobody can tell which."""
        answer = page.whoami(headers={"Authorization": authorization})
        assert answer.status_code == 401
        assert answer.json() == SAME_BODY

    @pytest.mark.parametrize("authorization", ["Basic YTpi", "Token abc", ""])
    def test_a_header_of_another_scheme_does_not_either(self, page, authorization):
        """A header is used alone."""
        answer = page.whoami(bearer=False, headers={"Authorization": authorization})
        assert answer.status_code == 401

    def test_the_header_counts_beside_it(self, page, new_api, staff):
        """Two users: the one of the header."""
        other = new_api()
        other.login("root")
        headers = {"Authorization": f"Bearer {other.access}"}
        assert page.whoami(headers=headers).json() == {"username": "root"}


class TestIgnoreForeign:
    def test_passes_a_foreign_token_on(self, user, clock):
        """Simplejwt's own access token reaches simplejwt's own class."""
        raw = str(SimpleAccessToken.for_user(user))
        assert ask(MovingView, f"Bearer {raw}").data == {"username": "ada"}
        assert ask(View, f"Bearer {raw}").data == SAME_BODY

    def test_accepts_ours(self, tokens):
        """The first class answers."""
        assert ask(MovingView, f"Bearer {tokens.access}").status_code == 200

    def test_refuses_ours_whatever_is_wrong_with_it(self, tokens, clock, monkeypatch):
        """Forged, malformed or expired: no class that checks less gets to see it."""
        asked: list[Any] = []
        monkeypatch.setattr(JWTAuthentication, "authenticate", lambda *args: asked.append(args))
        bad = [changed(tokens, gen=-1), changed(tokens, sub="0", user_id="0"), tokens.access[:-1]]
        answers = [ask(MovingView, f"Bearer {raw}") for raw in bad]
        clock.advance(minutes=5)
        answers.append(ask(MovingView, f"Bearer {tokens.access}"))
        assert [answer.data for answer in answers] == [SAME_BODY] * 4
        assert asked == []

    def test_refuses_ours_of_an_ended_session(self, tokens, clock):
        """A revoked token does not become somebody else's."""
        AuthSession.objects.update(revoked_at=clock.time)
        assert ask(MovingView, f"Bearer {tokens.access}").data == SAME_BODY

    def test_a_foreign_token_that_nobody_takes_is_a_401(self, db):
        """With a challenge that says a token was sent."""
        answer = ask(ForgivingView, "Bearer opaque")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'
