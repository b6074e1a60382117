"""The checks that read no row: by revocation list, and by signature alone."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.conftest import Api, Clock
from tests.domain import row, start
from tests.test_statement_counts import counting
from tests.urls import urlpatterns as base
from tokenauth import update_session_auth_hash, verify_access_token
from tokenauth.access import check_access_token
from tokenauth.conf import AccessCheck
from tokenauth.exceptions import AccessInvalid, SessionEnded
from tokenauth.issuing import Tokens
from tokenauth.models import AuthSession
from tokenauth.sessions import revoke_session

LIST: AccessCheck = "revocation-list"
SIGNATURE: AccessCheck = "signature"


@api_view(["GET"])
def key(request: Request) -> Response:
    """Answer with the user's key, for which nothing has to be read."""
    return Response({"key": request.user.pk, "known": request.user.is_authenticated})


def page(request: HttpRequest) -> HttpResponse:
    """A page that shows the user's name."""
    return HttpResponse(request.user.get_username())


def device(request: HttpRequest) -> HttpResponse:
    """A page that shows the session."""
    return HttpResponse(str(vars(request)["auth_session"].pk))


class Password(APIView):
    """Change the password, as a project does without a transaction."""

    def post(self, request: Request) -> Response:
        """Save first, then keep this session."""
        user = User.objects.get(username=request.user.get_username())
        user.set_password("another horse")
        user.save()
        tokens = update_session_auth_hash(request, user)
        return Response({"access": None if tokens is None else tokens.access})


def ended(request: HttpRequest) -> HttpResponse:
    """A page that finds, in its middle, that the session is over."""
    raise SessionEnded("revoked")


urlpatterns = [
    *base,
    path("show/ended", ended),
    path("api/key", key),
    path("api/password", Password.as_view()),
    path("show/name", page),
    path("show/device", device),
]


@pytest.fixture(params=[LIST, SIGNATURE])
def check(request: pytest.FixtureRequest, settings: Any) -> AccessCheck:
    """The setting, one after the other."""
    settings.ROOT_URLCONF = __name__
    name: AccessCheck = request.param
    settings.TOKENAUTH_ACCESS_TOKEN_CHECK = name
    return name


@pytest.fixture
def by_list(settings: Any) -> None:
    """The revocation list."""
    settings.ROOT_URLCONF = __name__
    settings.TOKENAUTH_ACCESS_TOKEN_CHECK = LIST


@pytest.fixture
def tokens(user: User, clock: Clock) -> Tokens:
    """Ada's tokens."""
    return start(user)


def is_accepted(tokens: Tokens) -> bool:
    """Return whether the access token is accepted, by the setting."""
    try:
        verify_access_token(tokens.access)
    except AccessInvalid:
        return False
    return True


class TestNoQuery:
    def test_says_who(self, tokens: Tokens, user: User, check: AccessCheck):
        """The user by key and class, the claims, and no statement but the list's."""
        with counting() as count:
            access = verify_access_token(tokens.access)
            assert (access.user, access.token.session_id) == (user, tokens.session.pk)
        assert count.total == (check == LIST)

    def test_session_is_loaded_on_demand(self, tokens: Tokens, check: AccessCheck):
        """With its user, in one query."""
        access = verify_access_token(tokens.access)
        with counting() as count:
            assert access.session.client == "app"
            assert access.session.user.username == "ada"
        assert count.total == 1

    def test_request_costs_nothing(self, browser: Api, check: AccessCheck):
        """The second request of a process, in the same half second."""
        browser.get("/api/key")
        with counting() as count:
            assert browser.get("/api/key").json()["known"] is True
        assert count.total == 0

    def test_every_fault_of_the_token_counts(self, tokens: Tokens, check: AccessCheck):
        """The signature first of all."""
        head, _, _ = tokens.access.rpartition(".")
        with pytest.raises(AccessInvalid):
            verify_access_token(f"{head}.{'A' * 43}")

    def test_expires_on_time(self, tokens: Tokens, clock: Clock, check: AccessCheck):
        """To the second."""
        clock.advance(seconds=299)
        assert is_accepted(tokens)
        clock.advance(seconds=1)
        assert not is_accepted(tokens)


class TestRevocation:
    @pytest.mark.req("REQ-41")
    def test_is_seen_by_the_list_within_a_second(self, tokens: Tokens, clock: Clock, by_list: None):
        """Half a second at the latest, in a process that is asked."""
        assert is_accepted(tokens)
        revoke_session(tokens.session, reason="admin")
        clock.advance(seconds=0.5)
        assert not is_accepted(tokens)

    def test_costs_no_query(self, tokens: Tokens, by_list: None):
        """A thief with a dead token reaches no database."""
        revoke_session(tokens.session, reason="admin")
        assert not is_accepted(tokens)
        with counting() as count:
            assert not is_accepted(tokens)
        assert count.total == 0

    def test_is_not_seen_by_the_signature(self, tokens: Tokens, settings: Any):
        """That is what it is chosen for."""
        settings.TOKENAUTH_ACCESS_TOKEN_CHECK = SIGNATURE
        revoke_session(tokens.session, reason="admin")
        assert is_accepted(tokens)

    @pytest.mark.parametrize("route", ["/auth/me/", "/auth/sessions/"])
    def test_is_seen_at_once_by_the_endpoints(self, browser: Api, check: AccessCheck, route: str):
        """Whoever was thrown out can neither look at sessions nor end them."""
        assert browser.get(route).status_code == 200
        revoke_session(AuthSession.objects.get(), reason="admin")
        assert browser.get(route).status_code == 401

    def test_is_seen_at_once_by_the_endpoints_with_a_cookie(
        self, user: User, clock: Clock, check: AccessCheck, settings: Any
    ):
        """Also where the middleware has verified the access cookie already."""
        settings.TOKENAUTH_ACCESS_COOKIE = True
        tab = Api()
        tab.login()
        assert tab.get("/auth/me/", bearer=False).status_code == 200
        revoke_session(AuthSession.objects.get(), reason="admin")
        assert tab.get("/auth/me/", bearer=False).status_code == 401


class TestAccount:
    @pytest.mark.parametrize("how", ["inactive", "password", "delete"])
    def test_change_is_seen_by_the_list(
        self, tokens: Tokens, user: User, clock: Clock, by_list: None, how: str
    ):
        """By ``save()`` and ``delete()``; the other sessions of the world go on."""
        other = start(User.objects.create_user("bob"))
        assert is_accepted(tokens)
        if how == "inactive":
            user.is_active = False
            user.save()
        elif how == "password":
            user.set_password("another horse")
            user.save()
        else:
            user.delete()
        clock.advance(seconds=0.5)
        assert not is_accepted(tokens)
        assert is_accepted(other)

    def test_other_changes_list_nothing(self, tokens: Tokens, user: User, by_list: None):
        """A new name is no reason to ask the row."""
        user.first_name = "Augusta"
        user.save()
        assert row(tokens).listed_at is None

    def test_login_lists_nothing(self, tokens: Tokens, user: User, by_list: None):
        """It saves ``last_login``: no statement for that."""
        with counting() as count:
            user.save(update_fields=["last_login"])
        assert count.total == 1

    def test_saving_costs_nothing_under_the_session_check(self, tokens: Tokens, user: User):
        """It sees the account itself."""
        with counting() as count:
            user.save()
        assert count.total == 1

    def test_password_change_keeps_its_session(self, app: Api, clock: Clock, by_list: None):
        """Though it was saved before anybody said so: the old access token dies, the new lives."""
        assert app.get("/api/key").status_code == 200
        app_token = app.post("/api/password").json()["access"]
        clock.advance(seconds=0.5)
        assert app.get("/api/key").status_code == 401
        app.access = app_token
        assert app.get("/api/key").status_code == 200


class TestLazyUserInViews:
    @pytest.fixture(params=["gone", "inactive"])
    def lost(
        self, request: pytest.FixtureRequest, browser: Api, check: AccessCheck, clock: Clock
    ) -> Api:
        """A browser whose user is no more, by a change that nobody was told of."""
        assert browser.get("/api/key").status_code == 200
        if request.param == "gone":
            User.objects.filter(username="ada")._raw_delete("default")
        else:
            User.objects.update(is_active=False)
        return browser

    def test_api_view_is_401(self, lost: Api):
        """By DRF's own handler, with the code and the challenge."""
        response = lost.whoami()
        assert (response.status_code, response.json()["code"]) == (401, "access_invalid")
        assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    def test_view_that_asks_for_nothing_goes_on(self, lost: Api):
        """What is not known cannot be refused."""
        assert lost.get("/api/key").status_code == 200

    @override_settings(TOKENAUTH_ACCESS_COOKIE=True)
    @pytest.mark.parametrize("route", ["/show/name", "/api/whoami"])
    def test_page_is_401(self, user: User, clock: Clock, check: AccessCheck, route: str):
        """A page with the access cookie, in Django's own view and in DRF's."""
        tab = Api()
        tab.login()
        assert tab.get(route, bearer=False).status_code == 200
        User.objects.update(is_active=False)
        response = tab.get(route, bearer=False)
        assert (response.status_code, response.json()["code"]) == (401, "access_invalid")

    @override_settings(TOKENAUTH_ACCESS_COOKIE=True)
    def test_page_has_the_session(self, user: User, clock: Clock, check: AccessCheck):
        """Loaded when it is asked for."""
        tab = Api()
        sid = tab.login().json()["session"]["sid"]
        assert tab.get("/show/device", bearer=False).content.decode() == sid


class TestNoList:
    @pytest.fixture(autouse=True)
    def away(self, user: User, by_list: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """A database that does not answer when the list is read."""

        def refuse() -> Any:
            raise OperationalError("away")

        monkeypatch.setattr("tokenauth.revocation_list._listed", refuse)

    def test_api_view_is_503(self, app: Api):
        """With the code, and when to come again."""
        response = app.get("/api/key")
        assert (response.status_code, response.json()["code"]) == (503, "try_again")
        assert response["Retry-After"] == "1"

    @override_settings(TOKENAUTH_ACCESS_COOKIE=True)
    @pytest.mark.parametrize("route", ["/show/name", "/api/key"])
    def test_page_is_503(self, clock: Clock, route: str):
        """Rather than anonymous, which would throw the user out."""
        tab = Api()
        tab.login()
        response = tab.get(route, bearer=False)
        assert (response.status_code, response.json()["code"]) == (503, "try_again")
        assert response["Retry-After"] == "1"

    @pytest.mark.parametrize("check", ["session", LIST])
    def test_row_that_cannot_be_read_is_503(
        self, app: Api, settings: Any, monkeypatch: pytest.MonkeyPatch, check: AccessCheck
    ):
        """Not a 500: also for a session that is on the list, and by the session check."""

        def refuse(_session_id: Any) -> Any:
            raise OperationalError("away")

        settings.TOKENAUTH_ACCESS_TOKEN_CHECK = check
        sid = AuthSession.objects.get().pk
        AuthSession.objects.update(listed_at=AuthSession.objects.get().created_at)
        monkeypatch.setattr("tokenauth.revocation_list._listed", lambda: [(sid, False)])
        monkeypatch.setattr("tokenauth.access.load_session", refuse)
        response = app.get("/api/key")
        assert (response.status_code, response.json()["code"]) == (503, "try_again")

    def test_endpoints_ask_the_row(self, app: Api):
        """They need no list."""
        assert app.get("/auth/me/").status_code == 200


class TestFirstUse:
    @pytest.fixture
    def writes(self, app: Api) -> Callable[[], int]:
        """Count the UPDATEs of one request with the access token."""

        def request() -> int:
            with counting() as count:
                assert app.get("/api/key").status_code == 200
            return sum(sql.startswith("UPDATE") for sql in count.statements)

        return request

    def test_is_recorded_once(self, app: Api, by_list: None, writes: Callable[[], int]):
        """Once for each generation, in this process; it moves the idle end."""
        assert (writes(), writes()) == (1, 0)
        assert AuthSession.objects.get().confirmed_generation == 0

    def test_is_recorded_for_the_next_generation(
        self, app: Api, clock: Clock, by_list: None, writes: Callable[[], int]
    ):
        """So a late answer is told from a replay in this mode as well."""
        writes()
        clock.advance(seconds=31)
        app.refresh()
        assert (writes(), writes()) == (1, 0)
        assert AuthSession.objects.get().confirmed_generation == 1

    def test_moves_the_idle_end(self, app: Api, clock: Clock, by_list: None):
        """To idle after the use, and never past the absolute end."""
        before = AuthSession.objects.get()
        now = clock.advance(seconds=60)
        app.get("/api/key")
        after = AuthSession.objects.get()
        assert after.last_seen_at == now
        assert (after.expires_at - before.expires_at).total_seconds() == 60

    def test_stops_at_the_absolute_end(self, app: Api, clock: Clock, by_list: None):
        """What never moves."""
        end = clock() + (AuthSession.objects.get().expires_at - clock()) / 2
        AuthSession.objects.update(absolute_expires_at=end)
        app.get("/api/key")
        assert AuthSession.objects.get().expires_at == end

    def test_is_not_recorded_by_the_signature(
        self, app: Api, settings: Any, writes: Callable[[], int]
    ):
        """Where the database may be out of reach."""
        settings.ROOT_URLCONF = __name__
        settings.TOKENAUTH_ACCESS_TOKEN_CHECK = SIGNATURE
        assert writes() == 0

    def test_failure_is_tried_again(
        self, app: Api, by_list: None, writes: Callable[[], int], monkeypatch: pytest.MonkeyPatch
    ):
        """Only what was recorded is remembered."""
        with monkeypatch.context() as patch:

            def refuse(*_: Any) -> bool:
                raise OperationalError("away")

            patch.setattr("tokenauth.current.confirm_use", refuse)
            assert writes() == 0
        assert writes() == 1


def test_session_that_ends_in_a_view_is_401(api: Api, db: None, by_list: None):
    """``step_up()`` and ``update_session_auth_hash()`` raise it: no view need catch it."""
    response = api.get("/show/ended")
    assert (response.status_code, response.json()["code"]) == (401, "session_ended")
    assert response.json()["reason"] == "revoked"
    assert response["WWW-Authenticate"] == "Bearer"


def test_statements_of_many_requests(app: Api, clock: Clock, by_list: None):
    """Two thousand in two seconds: the list twice a second, and one first use."""
    kinds: Counter[str] = Counter()
    with counting() as count:
        for _ in range(2000):
            assert app.get("/api/key").status_code == 200
            clock.advance(seconds=0.001)
    kinds.update(sql.partition(" ")[0] for sql in count.statements)
    assert kinds == {"SELECT": 4, "UPDATE": 1}


def test_caller_may_choose(tokens: Tokens, by_list: None):
    """A view that cannot wait for the list asks the row, and the reverse."""
    verify_access_token(tokens.access)
    revoke_session(tokens.session, reason="admin")
    assert is_accepted(tokens)
    with pytest.raises(AccessInvalid):
        check_access_token(tokens.access, "session")
    assert check_access_token(tokens.access, SIGNATURE).token["sid"] == str(tokens.session.pk)
