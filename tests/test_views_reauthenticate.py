"""``POST reauthenticate/``: every answer, and what it leaves behind."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest
from rest_framework.test import APIClient

from tests.conftest import PASSWORD, Api, Clock
from tests.domain import events
from tests.jar import cookies_of
from tokenauth import sessions
from tokenauth.models import AuthEvent, AuthSession, RefreshToken

pytestmark = pytest.mark.req("REQ-51")

ME = f"{__name__}."
PATH = "/auth/reauthenticate/"
REFRESH = "__Secure-tokenauth-refresh"
ACCESS = "__Host-Http-tokenauth-access"
ALLOW_ALL = "django.contrib.auth.backends.AllowAllUsersModelBackend"
XHR = {"X-Requested-With": "fetch"}


class Inspects(ModelBackend):
    """A backend that keeps what it was given."""

    seen: list[tuple[Any, dict[str, Any]]] = []

    def authenticate(  # type: ignore[override]  # it keeps whatever it gets
        self, request: HttpRequest | None, **credentials: Any
    ) -> Any:
        """Return a user, or nobody."""
        self.seen.append((request, credentials))
        return super().authenticate(request, **credentials)


class Confused(BaseBackend):
    """A backend that finds the superuser, whoever is asked for."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """Return a user."""
        return get_user_model().objects.get(username="root")


def prove(api: Api, password: str = PASSWORD, **more: Any) -> Any:
    """Send the password; keep the tokens of a success."""
    return api._keep(api.post(PATH, {"password": password}, **more))


def step_up_elsewhere(amr: str) -> None:
    """Step up the session, as another request would."""
    sessions.step_up(AuthSession.objects.with_user().get(), amr=(amr,))


def state() -> list[Any]:
    """Return every session, and how many step-ups there were."""
    return [*AuthSession.objects.order_by("pk").values(), *events("step_up")]


@pytest.fixture
def failures() -> Iterator[list[dict[str, Any]]]:
    """Keep what ``user_login_failed`` is sent with."""
    kept: list[dict[str, Any]] = []

    def failed(**facts: Any) -> None:
        kept.append(facts)

    user_login_failed.connect(failed)
    yield kept
    user_login_failed.disconnect(failed)


class TestSuccess:
    def test_of_a_body_client(self, app: Api, clock: Clock):
        """As a refresh that rotates: all members, the refresh token too, and no cookie."""
        clock.advance(hours=1)
        app.refresh()
        response = prove(app)
        assert response.status_code == 200
        assert set(response.json()) == {
            *("access", "token_type", "expires_in", "session"),
            *("refresh", "refresh_expires_in"),
        }
        assert cookies_of(response) == []
        assert response.json()["session"]["auth_time"] == f"{clock():%Y-%m-%dT%H:%M:%S}.000Z"
        assert response.json()["session"]["amr"] == ["pwd"]

    def test_of_a_browser(self, browser: Api, clock: Clock):
        """The refresh token in the cookie only, with the attributes of a login's."""
        clock.advance(minutes=4)
        before = browser.http.cookies[REFRESH].value
        response = prove(browser)
        assert set(response.json()) == {"access", "token_type", "expires_in", "session"}
        [cookie] = cookies_of(response)
        assert (cookie.name, cookie.httponly, cookie.secure) == (REFRESH, True, True)
        assert (cookie.samesite, cookie.path, cookie.max_age) == ("Strict", "/auth/", 1209600)
        assert browser.http.cookies[REFRESH].value != before
        assert browser.refresh().status_code == 200

    def test_of_a_browser_with_the_access_cookie(self, browser: Api, settings: Any):
        """Both cookies, and the new one authenticates pages."""
        settings.TOKENAUTH_ACCESS_COOKIE = True
        response = prove(browser)
        assert [cookie.name for cookie in cookies_of(response)] == [REFRESH, ACCESS]
        assert browser.get("/page", bearer=False).json() == {"username": "ada"}

    def test_what_was_held_before(self, app: Api, new_api: Callable[..., Api]):
        """Is refused: the access token at once, the refresh token as superseded."""
        thief = new_api()
        thief.access, thief.refresh_token = app.access, app.refresh_token
        prove(app)
        assert thief.whoami().status_code == 401
        assert thief.refresh().json()["code"] == "refresh_superseded"
        assert app.whoami().status_code == 200
        assert app.refresh().status_code == 200

    def test_without_the_last_slash(self, app: Api):
        """As every path."""
        assert app.post("/auth/reauthenticate", {"password": PASSWORD}).status_code == 200

    def test_leaves_one_event(self, app: Api):
        """Who, which session, how; no history row, and no login."""
        prove(app)
        event = AuthEvent.objects.get(type="step_up")
        assert (event.session_id, event.ip) == (AuthSession.objects.get().pk, "127.0.0.1")
        assert RefreshToken.objects.count() == 1
        assert events("login", "login_failed") == [("login", "")]

    def test_is_no_login(self, app: Api, received: Any, failures: list[Any]):
        """Neither signal of Django's is sent, and ``last_login`` stays."""
        logins, before = received(user_logged_in), User.objects.get().last_login
        prove(app)
        assert (logins, failures, User.objects.get().last_login) == ([], [], before)

    def test_backends_get_the_request_and_the_own_name(self, app: Api, settings: Any):
        """The password exactly as it was sent, and the name of the session's user."""
        settings.AUTHENTICATION_BACKENDS = [f"{ME}Inspects"]
        Inspects.seen.clear()
        prove(app, " pa\u200bss \t")
        [(request, credentials)] = Inspects.seen
        assert isinstance(request, HttpRequest)
        assert credentials == {"username": "ada", "password": " pa\u200bss \t"}

    def test_a_name_in_the_body_is_ignored(self, app: Api, staff: User):
        """Nobody steps up as somebody else."""
        response = app.post(PATH, {"username": "root", "password": PASSWORD})
        assert response.json()["session"]["sid"] == str(AuthSession.objects.get().pk)
        assert AuthEvent.objects.get(type="step_up").user.username == "ada"

    def test_a_rehashed_password_ends_nothing(self, app: Api, new_api: Any, settings: Any):
        """After a Django upgrade: this session and the user's others go on."""
        other = new_api()
        other.login(client="app")
        settings.PASSWORD_HASHERS = [
            "tests.test_accounts.WeakHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ]
        assert prove(app).status_code == 200
        assert app.whoami().status_code == 200
        assert other.whoami().status_code == 200


class TestAgain:
    def test_a_double_click(self, app: Api, clock: Clock):
        """Both answers hold the same refresh token, and both access tokens work."""
        first = prove(app).json()
        clock.advance(seconds=1)
        second = prove(app).json()
        assert second["refresh"] == first["refresh"]
        for answer in (first, second):
            app.access = answer["access"]
            assert app.whoami().status_code == 200
        assert events("step_up") == [("step_up", "")]

    @pytest.mark.parametrize("pause", [1, 120])
    def test_a_lost_answer(self, app: Api, clock: Clock, pause: int):
        """The access token from before still asks for it again, within its lifetime."""
        app.post(PATH, {"password": PASSWORD})  # the answer is lost
        assert app.whoami().status_code == 401
        clock.advance(seconds=pause)
        assert prove(app).status_code == 200
        assert app.whoami().status_code == 200
        clock.advance(minutes=1)
        assert app.refresh().status_code == 200

    def test_a_lost_answer_of_a_page(self, browser: Api, clock: Clock, settings: Any):
        """By the access cookie alone too, which is from before as well."""
        settings.TOKENAUTH_ACCESS_COOKIE = True
        browser.login()
        clock.advance(seconds=60)
        held = browser.http.cookies.output()
        prove(browser, bearer=False)
        browser.http.cookies.load(held.replace("Set-Cookie: ", ""))
        assert browser.get("/page", bearer=False).json() == {"username": ""}
        assert prove(browser, bearer=False).status_code == 200
        assert browser.get("/page", bearer=False).json() == {"username": "ada"}

    def test_an_expired_token_does_not(self, app: Api, clock: Clock):
        """The password alone is a login."""
        clock.advance(minutes=5)
        assert prove(app).json()["code"] == "access_invalid"

    def test_by_a_token_from_far_below_the_floor(self, app: Api, clock: Clock):
        """Of any generation of the living session."""
        for amr in ("one", "two", "three"):
            clock.advance(seconds=31)
            step_up_elsewhere(amr)
        assert prove(app).status_code == 200
        assert AuthSession.objects.get().floor == 8

    def test_records_no_first_use(self, app: Api):
        """A generation that is about to be of the past need not be confirmed."""
        prove(app)
        assert AuthSession.objects.get().confirmed_generation == -1


class TestRefused:
    def test_wrong_password(self, app: Api, user: User, failures: list[Any]):
        """401 ``login_failed``, the signal once, one audit row with user and session."""
        before = state()
        response = prove(app, "wrong")
        assert response.status_code == 401
        assert response.json()["code"] == "login_failed"
        assert response["WWW-Authenticate"] == "Bearer"
        assert len(failures) == 1
        assert failures[0]["credentials"]["password"] == "*" * 20
        event = AuthEvent.objects.get(type="login_failed")
        assert (event.user, event.session_id) == (user, AuthSession.objects.get().pk)
        assert event.detail == {"client": "app"}
        assert state() == before
        assert app.whoami().status_code == 200

    def test_another_users_password(self, app: Api, staff: User):
        """Which is right, but not for this session."""
        staff.set_password("of the superuser")
        staff.save()
        assert prove(app, "of the superuser").json()["code"] == "login_failed"

    def test_another_user_comes_back(
        self, app: Api, staff: User, settings: Any, failures: list[Any]
    ):
        """A backend that finds somebody else is not believed, and the failure is told once."""
        settings.AUTHENTICATION_BACKENDS = [f"{ME}Confused"]
        before = state()
        assert prove(app).json()["code"] == "login_failed"
        assert len(failures) == 1
        assert failures[0]["credentials"] == {"username": "ada", "password": "*" * 20}
        assert state() == before

    def test_inactive_user(self, app: Api, settings: Any):
        """The session is over before any password is looked at."""
        settings.AUTHENTICATION_BACKENDS = [ALLOW_ALL]
        User.objects.update(is_active=False)
        assert prove(app).json()["code"] == "access_invalid"

    def test_user_who_became_inactive_meanwhile(
        self, app: Api, settings: Any, monkeypatch: Any, failures: list[Any]
    ):
        """Between the check of the session and that of the password."""
        settings.AUTHENTICATION_BACKENDS = [ALLOW_ALL]
        original = User.check_password

        def check(self: User, raw: str) -> bool:
            self.is_active = False
            return original(self, raw)

        monkeypatch.setattr(User, "check_password", check)
        before = state()
        assert prove(app).json()["code"] == "login_failed"
        assert len(failures) == 1
        assert state() == before

    def test_revoked_meanwhile(self, app: Api, monkeypatch: Any):
        """While the password was hashed: the answer says that the session has ended."""
        original = User.check_password

        def check(self: User, raw: str) -> bool:
            sessions.revoke_user_sessions(self, reason="admin")
            return original(self, raw)

        monkeypatch.setattr(User, "check_password", check)
        response = prove(app)
        assert response.status_code == 401
        assert response.json()["code"] == "session_ended"
        assert response.json()["reason"] == "revoked"
        assert AuthSession.objects.get().revoked_reason == "admin"
        assert events("step_up") == []

    @pytest.mark.parametrize("end", ["logout", "revoke", "password"])
    def test_ended_session(self, app: Api, user: User, end: str):
        """The password does not bring a session back."""
        if end == "logout":
            app.logout()
        elif end == "revoke":
            sessions.revoke_user_sessions(user, reason="admin")
        else:
            user.set_password("another one")
            user.save()
        assert prove(app, "another one" if end == "password" else PASSWORD).status_code == 401
        assert events("step_up") == []

    def test_without_a_token(self, user: User, api: Api):
        """The usual 401, before the body is looked at."""
        assert api.post(PATH, {}).json()["code"] == "not_authenticated"

    def test_refresh_token_instead(self, app: Api):
        """It is no access token."""
        app.access = app.refresh_token
        assert prove(app).json()["code"] == "access_invalid"

    @pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": 5}, {"password": None}])
    def test_without_a_password(self, app: Api, body: dict[str, Any]):
        """400, and no failed login is counted."""
        response = app.post(PATH, body)
        assert (response.status_code, list(response.json()["errors"])) == (400, ["password"])
        assert events("login_failed") == []

    def test_force_authenticate(self, user: User):
        """A test's user has no session to step up: a 401, never a 500."""
        client = APIClient()
        client.force_authenticate(user)
        response = client.post(PATH, {"password": PASSWORD}, format="json")
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_other_methods(self, app: Api, method: str):
        """Only POST does anything."""
        assert app.request(method, PATH, {"password": PASSWORD}).status_code == 405
        assert events("step_up") == []

    @pytest.mark.parametrize("transport", ["app", "browser"])
    def test_two_refresh_cookies(self, app: Api, browser: Api, transport: str):
        """A browser's is refused, as at login: its new cookie would stand beside a planted one."""
        client = browser if transport == "browser" else app
        response = prove(client, headers={"Cookie": f"{REFRESH}=one; {REFRESH}=two"})
        expected = (400, "refresh_ambiguous") if transport == "browser" else (200, None)
        assert (response.status_code, response.json().get("code")) == expected


class TestProofOfOrigin:
    @pytest.fixture
    def strict(self, user: User, clock: Clock, new_api: Callable[..., Api]) -> Api:
        """Ada's browser, whose requests are checked."""
        api = new_api(enforce_csrf_checks=True)
        sent = {"username": "ada", "password": PASSWORD}
        api.access = api.post("/auth/login/", sent, headers=XHR).json()["access"]
        return api

    @pytest.mark.parametrize(
        "headers",
        [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
        ids=str,
    )
    def test_a_cookie_session_needs_it(self, strict: Api, headers: dict[str, str]):
        """A cookie will be set, so it is asked also of a request with an ``Authorization``."""
        before = state()
        response = prove(strict, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
        assert cookies_of(response) == []
        assert state() == before
        assert events("login_failed") == []

    @pytest.mark.parametrize("headers", [XHR, {"Sec-Fetch-Site": "same-origin"}], ids=str)
    def test_with_it(self, strict: Api, headers: dict[str, str]):
        """The site's own page."""
        assert prove(strict, headers=headers).status_code == 200

    def test_a_body_session_does_not(self, user: User, clock: Clock, new_api: Callable[..., Api]):
        """There is nothing to forge."""
        api = new_api(enforce_csrf_checks=True)
        api.login(client="app")
        assert prove(api).status_code == 200


@pytest.mark.parametrize("check", ["session", "revocation-list", "signature"])
class TestAccessTokenCheck:
    """Whatever verifies the tokens of API requests."""

    @pytest.fixture(autouse=True)
    def _check(self, settings: Any, check: str) -> None:
        settings.TOKENAUTH_ACCESS_TOKEN_CHECK = check

    def test_the_session_is_read(self, app: Api, user: User):
        """A session that has just been revoked is refused at once, and no password is tried."""
        assert app.whoami().status_code == 200
        sessions.revoke_user_sessions(user, reason="admin")
        assert prove(app).json()["code"] == "access_invalid"

    def test_a_lost_answer(self, app: Api):
        """The access token from before still asks for it again."""
        app.post(PATH, {"password": PASSWORD})  # the answer is lost
        assert prove(app).status_code == 200
        assert app.whoami().status_code == 200

    def test_tokens_from_before(self, app: Api, clock: Clock, check: str):
        """Are refused at once, within a second, or when they expire: as after a revocation."""
        old = app.access
        assert app.whoami().status_code == 200
        prove(app)
        new, app.access = app.access, old
        assert (app.whoami().status_code == 401) is (check == "session")
        clock.advance(seconds=1)
        assert (app.whoami().status_code == 401) is (check != "signature")
        clock.advance(minutes=5)
        assert app.whoami().status_code == 401
        assert new != old

    @pytest.mark.urls("tests.pages")
    def test_shortcut(self, app: Api, clock: Clock):
        """A project's own step-up, by whatever the request knows of the session."""
        clock.advance(minutes=1)
        answer = app.post("/api/step-up").json()
        app.access, app.refresh_token = answer["access"], answer["refresh"]
        assert app.whoami().status_code == 200
        assert app.refresh().status_code == 200
        assert AuthSession.objects.get().amr == ["pwd", "otp"]

    @pytest.mark.urls("tests.pages")
    def test_shortcut_in_an_ended_session(self, app: Api, clock: Clock):
        """Does not bring it back."""
        assert app.whoami().status_code == 200
        AuthSession.objects.update(revoked_at=clock(), revoked_reason="admin")
        assert app.post("/api/step-up").status_code in {401, 500}
        assert (AuthSession.objects.get().generation, events("step_up")) == (0, [])
