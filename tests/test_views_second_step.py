"""``POST login/second-step/``: every answer, and what it leaves behind."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth import signals
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import include, path
from rest_framework.exceptions import ValidationError

from tests.conftest import PASSWORD, Api, Clock
from tests.races import racers
from tokenauth import sessions
from tokenauth.models import AuthEvent, AuthSession, EventType

ME = f"{__name__}."
PATH = "/auth/login/second-step/"
COOKIE = "__Secure-tokenauth-refresh"
STEP = "__Secure-tokenauth-step"
CODE = "123456"
urlpatterns = [path("auth/", include("tokenauth.urls_without_login"))]
asked: list[Any] = []
"""With what the function was called."""


def gate(request: HttpRequest, user: Any) -> Mapping[str, Any]:
    """Ask everybody."""
    return {"methods": ["totp"]}


def verify(request: HttpRequest, user: Any, answer: Mapping[str, Any]) -> Sequence[str] | None:
    """Take one code."""
    asked.append((request, user, dict(answer)))
    return ("otp",) if answer.get("code") == CODE else None


def slip(request: HttpRequest, user: Any, answer: Mapping[str, Any]) -> Any:
    """Return what the answer asks for."""
    return {"true": True, "text": "otp", "empty": [], "numbers": [1]}[answer["code"]]


together = Barrier(4, timeout=60)


def verify_together(request: HttpRequest, user: Any, answer: Mapping[str, Any]) -> Sequence[str]:
    """Take what is sent, from four at the same moment."""
    together.wait()
    return ("otp",)


@contextmanager
def eager_threads() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def strict(request: HttpRequest, user: Any, answer: Mapping[str, Any]) -> None:
    """Refuse what is no text."""
    if not isinstance(answer.get("code"), str):
        raise ValidationError({"code": ["Six digits."]})


@pytest.fixture(autouse=True)
def second_step(settings: Any) -> None:
    """The project asks for a code."""
    asked.clear()
    settings.TOKENAUTH_LOGIN_GATE = f"{ME}gate"
    settings.TOKENAUTH_SECOND_STEP = f"{ME}verify"
    settings.TOKENAUTH_GUESSING = None  # what a challenge bounds by itself


@pytest.fixture
def failures() -> Iterator[list[dict[str, Any]]]:
    """Keep what user_login_failed is sent with."""
    kept: list[dict[str, Any]] = []

    def note(**facts: Any) -> None:
        kept.append(facts)

    signals.user_login_failed.connect(note)
    yield kept
    signals.user_login_failed.disconnect(note)


def first(api: Api, **more: Any) -> str:
    """Send the password; return the challenge."""
    response = api.login(**more)
    assert response.json()["code"] == "mfa_required"
    return str(response.json()["challenge"]["token"])


def second(api: Api, challenge: str, code: Any = CODE, **extra: Any) -> Any:
    """Send the challenge and a code; keep the tokens of a success."""
    return api._keep(api.post(PATH, {"challenge": challenge, "code": code}, bearer=False, **extra))


def seen(response: Any) -> tuple[Any, ...]:
    """Return all that a client sees of a response."""
    return response.status_code, response.content, tuple(response.headers.items())


class TestChallenge:
    @pytest.mark.req("REQ-13")
    def test_is_beside_what_the_gate_says(self, user: User, api: Api) -> None:
        """The 401 carries the gate's own members, the token and its lifetime; no session yet."""
        response = api.login()
        assert response.status_code == 401
        assert set(response.json()["challenge"]) == {"methods", "token", "expires_in"}
        assert response.json()["challenge"]["expires_in"] == 300
        assert not AuthSession.objects.exists()

    @pytest.mark.req("REQ-13")
    def test_of_a_browser_sets_the_step_cookie_only(self, user: User, api: Api) -> None:
        """HttpOnly, Secure, Strict, on the path of the endpoints, for five minutes."""
        cookies = api.login().cookies
        assert set(cookies) == {STEP}
        found = cookies[STEP]
        assert (found["httponly"], found["secure"], found["samesite"]) == (True, True, "Strict")
        assert (found["path"], found["max-age"], found["domain"]) == ("/auth/", 300, "")

    def test_of_another_client_sets_no_cookie(self, user: User, api: Api) -> None:
        """Whoever holds the challenge is the client."""
        assert not api.login(client="app").cookies

    def test_is_not_given_for_a_wrong_password(self, user: User, api: Api) -> None:
        """Who does not know the password gets neither challenge nor cookie."""
        response = api.login(password="wrong")
        assert "challenge" not in response.json()
        assert not response.cookies

    def test_does_not_hold_the_nonce(self, user: User, api: Api) -> None:
        """The challenge alone does not make another browser's cookie."""
        response = api.login()
        assert response.cookies[STEP].value not in response.text

    def test_is_the_gates_alone_without_the_setting(
        self, user: User, api: Api, settings: Any
    ) -> None:
        """A project that completes the login by itself gets what it had."""
        del settings.TOKENAUTH_SECOND_STEP
        assert api.login().json()["challenge"] == {"methods": ["totp"]}


class TestSuccess:
    @pytest.mark.req("REQ-13")
    def test_answers_as_a_login(self, user: User, api: Api, clock: Clock) -> None:
        """The members of a login, the refresh cookie, and an access token that works."""
        challenge = first(api)
        clock.advance(seconds=20)
        response = second(api, challenge)
        assert response.status_code == 200
        assert set(response.json()) == {"access", "token_type", "expires_in", "session"}
        assert COOKIE in response.cookies
        assert api.whoami().json() == {"username": "ada"}
        assert AuthSession.objects.get().auth_time == clock()

    def test_of_another_client_has_the_refresh_token_in_the_body(
        self, user: User, api: Api
    ) -> None:
        """A body client gets refresh, and no cookie."""
        response = second(api, first(api, client="app"))
        assert len(response.json()["refresh"]) == 64
        assert not response.cookies

    def test_deletes_the_step_cookie(self, user: User, api: Api) -> None:
        """With the attributes that it was set with."""
        found = second(api, first(api)).cookies[STEP]
        assert (found.value, found["max-age"]) == ("", 0)
        assert (found["httponly"], found["secure"], found["path"]) == (True, True, "/auth/")

    @pytest.mark.req("REQ-13")
    def test_records_the_methods(self, user: User, api: Api) -> None:
        """In the session, and so in the access token."""
        response = second(api, first(api))
        assert response.json()["session"]["amr"] == ["pwd", "otp", "mfa"]
        assert AuthSession.objects.get().amr == ["pwd", "otp", "mfa"]

    def test_is_the_login_that_was_asked_for(self, user: User, api: Api) -> None:
        """Client, device name and remember are those of the first step."""
        second(api, first(api, remember=False, device_name="Küche 🍳"))
        row = AuthSession.objects.get()
        assert (row.client, row.device_name, row.persistent) == ("browser", "Küche 🍳", False)

    def test_asks_the_function_once(self, user: User, api: Api) -> None:
        """With Django's request, the user with its backend, and the answer as it was sent."""
        challenge = first(api)
        api.post(PATH, {"challenge": challenge, "code": CODE, "more": [{"a": None}]})
        [(request, who, answer)] = asked
        assert isinstance(request, HttpRequest)
        assert (who, who.backend) == (user, "django.contrib.auth.backends.ModelBackend")
        assert answer == {"code": CODE, "more": [{"a": None}]}

    def test_replaces_the_session_of_the_cookie(self, user: User, api: Api) -> None:
        """As any login in one browser does."""
        second(api, first(api))
        old = AuthSession.objects.get()
        second(api, first(api))
        old.refresh_from_db()
        assert old.revoked_reason == "replaced"

    def test_leaves_the_event_of_a_login(self, user: User, api: Api) -> None:
        """One login, no failure."""
        second(api, first(api))
        assert AuthEvent.objects.get().type == EventType.LOGIN

    def test_under_a_new_secret_key(self, user: User, api: Api, settings: Any) -> None:
        """With the old key in the fallbacks, a login that is under way goes on."""
        challenge = first(api)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "new" * 20
        assert second(api, challenge).status_code == 200

    def test_after_a_rehash_keeps_the_other_sessions(
        self, user: User, api: Api, settings: Any
    ) -> None:
        """Django re-hashes the right password in the first step, which ends no session."""
        phone = Api()
        second(phone, first(phone, client="app"))
        settings.PASSWORD_HASHERS = [
            "tests.test_accounts.WeakHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ]
        assert second(api, first(api)).status_code == 200
        assert phone.refresh().status_code == 200


class TestWrongAnswer:
    def test_is_a_failed_login(self, user: User, api: Api, failures: list[dict[str, Any]]) -> None:
        """login_failed; one signal, which shows no code; an event that knows the user."""
        response = second(api, first(api), "000000")
        assert (response.status_code, response.json()["code"]) == (401, "login_failed")
        assert not response.cookies
        [facts] = failures
        assert facts["credentials"]["username"] == "ada"
        assert "000000" not in str(facts["credentials"])
        event = AuthEvent.objects.get()
        assert (event.type, event.user_id) == (EventType.LOGIN_FAILED, user.pk)
        assert "000000" not in str(vars(event))

    def test_may_be_followed_by_the_right_one(self, user: User, api: Api) -> None:
        """A typing error is no reason to begin again."""
        challenge = first(api)
        second(api, challenge, "000000")
        assert second(api, challenge).status_code == 200

    @pytest.mark.parametrize("wrong", [4, 5])
    def test_five_times_ends_the_challenge(self, user: User, api: Api, wrong: int) -> None:
        """The sixth answer is not looked at, right or wrong."""
        challenge = first(api)
        for _ in range(wrong):
            second(api, challenge, "000000")
        assert second(api, challenge).status_code == (200 if wrong < 5 else 401)
        assert len(asked) == 5

    def test_may_be_anything(self, user: User, api: Api) -> None:
        """What JSON can be reaches the function, which decides."""
        challenge = first(api)
        codes: list[Any] = [None, 1, [], {"a": []}, "\u0000"]
        for code in codes:
            assert second(api, challenge, code).status_code == 401

    @pytest.mark.parametrize("returned", ["true", "text", "empty", "numbers"])
    def test_a_function_that_returns_nonsense_opens_nothing(
        self, user: User, api: Api, settings: Any, returned: str
    ) -> None:
        """True, a text and an empty list are slips of the project: no session."""
        settings.TOKENAUTH_SECOND_STEP = f"{ME}slip"
        assert second(api, first(api), returned).status_code == 500
        assert not AuthSession.objects.exists()


def garbage(api: Api, challenge: str) -> str:
    """Return what was never a challenge."""
    return "garbage"


def forged(api: Api, challenge: str) -> str:
    """Return it with another signature."""
    return challenge[:-4] + ("AAAA" if challenge[-4:] != "AAAA" else "BBBB")


def unsigned(api: Api, challenge: str) -> str:
    """Return it without a signature."""
    return challenge.partition(":")[0]


def other_browser(api: Api, challenge: str) -> str:
    """Have the browser hold another nonce."""
    api.http.cookies[STEP] = "A" * 43
    return challenge


def no_cookie(api: Api, challenge: str) -> str:
    """Have the browser hold none."""
    del api.http.cookies[STEP]
    return challenge


def used(api: Api, challenge: str) -> str:
    """Complete the login, and keep the cookie of before."""
    nonce = api.http.cookies[STEP].value
    assert second(api, challenge).status_code == 200
    api.http.cookies[STEP] = nonce
    return challenge


def new_password(api: Api, challenge: str) -> str:
    """Change the password."""
    user = User.objects.get()
    user.set_password("another one")
    user.save()
    return challenge


def deactivated(api: Api, challenge: str) -> str:
    """Deactivate the account."""
    User.objects.update(is_active=False)
    return challenge


def deleted(api: Api, challenge: str) -> str:
    """Delete the account."""
    User.objects.all().delete()
    return challenge


FAULTS = [
    *(garbage, forged, unsigned, other_browser, no_cookie),
    *(used, new_password, deactivated, deleted),
]


class TestGuesses:
    @pytest.mark.req("REQ-09")
    def test_across_challenges_are_slowed_down(self, user: User, api: Api, settings: Any) -> None:
        """A new challenge, which the password gives, does not make five more guesses free."""
        settings.TOKENAUTH_GUESSING = {}
        challenge = first(api)
        for _ in range(5):
            second(api, challenge, "000000")
        response = second(api, first(api))
        assert (response.status_code, response.json()["code"]) == (429, "throttled")
        assert int(response["Retry-After"]) > 0
        assert len(asked) == 5

    def test_that_have_to_wait_use_up_no_answer(
        self, user: User, api: Api, settings: Any, clock: Clock
    ) -> None:
        """The challenge is as good as before when the time is over."""
        settings.TOKENAUTH_GUESSING = {}
        for _ in range(5):
            second(api, first(api), "000000")
        challenge = first(api)
        wait = 0
        for _ in range(6):
            wait = int(second(api, challenge)["Retry-After"])
        clock.advance(seconds=wait)
        assert second(api, challenge).status_code == 200


class TestFaults:
    @pytest.mark.req("REQ-03", "REQ-05")
    @pytest.mark.parametrize("fault", FAULTS)
    def test_have_the_answer_of_a_wrong_code(
        self, user: User, api: Api, fault: Callable[[Api, str], str]
    ) -> None:
        """One body and one set of headers, with the right code; and no session."""
        wrong = seen(second(Api(), first(Api(), client="app"), "000000"))
        challenge = fault(api, first(api))
        before = AuthSession.objects.count()
        assert seen(second(api, challenge)) == wrong
        assert AuthSession.objects.count() == before

    @pytest.mark.parametrize(
        "fault", [garbage, other_browser, no_cookie, new_password, deactivated]
    )
    def test_leave_no_trace(
        self,
        user: User,
        api: Api,
        failures: list[dict[str, Any]],
        fault: Callable[[Api, str], str],
    ) -> None:
        """What is not good changes nothing, counts for nobody and asks no function."""
        second(api, fault(api, first(api)))
        assert (failures, asked) == ([], [])
        assert not AuthEvent.objects.exists()

    @pytest.mark.parametrize(("seconds", "status"), [(299, 200), (300, 401)])
    def test_too_old(self, user: User, api: Api, clock: Clock, seconds: int, status: int) -> None:
        """Five minutes, to the second."""
        challenge = first(api)
        clock.advance(seconds=seconds)
        assert second(api, challenge).status_code == status

    def test_of_another_login_in_this_browser(self, user: User, api: Api) -> None:
        """The cookie is of the newest."""
        old, new = first(api), first(api)
        assert second(api, old).status_code == 401
        assert second(api, new).status_code == 200

    def test_a_cookie_planted_beside_ours_takes_nothing_away(self, user: User, api: Api) -> None:
        """The honest one is among them."""
        challenge = first(api)
        both = f"{STEP}=planted; {STEP}={api.http.cookies[STEP].value}"
        assert second(api, challenge, HTTP_COOKIE=both).status_code == 200

    def test_of_a_backend_that_is_gone(self, user: User, api: Api, settings: Any) -> None:
        """Who only that backend knew is not let in by its word of before."""
        challenge = first(api)
        settings.AUTHENTICATION_BACKENDS = ["tests.test_views_login.Directory"]
        assert second(api, challenge).status_code == 401

    @pytest.mark.parametrize("entry", [None, {"transport": "cookie", "login": False}])
    def test_of_a_client_that_may_no_longer_log_in(
        self, user: User, api: Api, settings: Any, entry: Any
    ) -> None:
        """Gone, or closed to the endpoint."""
        challenge = first(api)
        clients: dict[str, Any] = {"app": {"transport": "body"}}
        settings.TOKENAUTH_CLIENTS = clients if entry is None else clients | {"browser": entry}
        assert second(api, challenge).status_code == 401

    @pytest.mark.req("REQ-80", "REQ-86")
    def test_another_site_completes_nothing(self, user: User, new_api: Callable[..., Api]) -> None:
        """A browser's second step needs the proof that its first step needed."""
        api = new_api(enforce_csrf_checks=True)
        proof = {"Sec-Fetch-Site": "same-origin"}
        data = {"username": "ada", "password": PASSWORD}
        challenge = api.post("/auth/login/", data, headers=proof).json()["challenge"]["token"]
        refused = second(api, challenge, headers={"Sec-Fetch-Site": "cross-site"})
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        assert second(api, challenge, headers=proof).status_code == 200


class TestRequest:
    def test_without_the_setting_is_not_found(self, user: User, api: Api, settings: Any) -> None:
        """There is nothing to complete."""
        challenge = first(api)
        del settings.TOKENAUTH_SECOND_STEP
        response = second(api, challenge)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("sent", [None, 1, "", [], "x" * 4097, "\u0000", "\ud800"])
    def test_without_a_challenge_is_not_understood(self, db: None, api: Api, sent: Any) -> None:
        """It is a text of bounded length."""
        response = api.post(PATH, {"challenge": sent})
        assert (response.status_code, response.json()["code"]) == (400, "bad_request")
        assert list(response.json()["errors"]) == ["challenge"]

    @pytest.mark.req("REQ-07")
    def test_is_answered_without_the_last_slash(self, user: User, api: Api) -> None:
        """By the same view, not by a redirect, and no answer is stored."""
        response = api.post(PATH.removesuffix("/"), {"challenge": first(api), "code": CODE})
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"

    def test_two_refresh_cookies_are_refused(self, user: User, api: Api) -> None:
        """As at login."""
        challenge = first(api)
        both = f"{COOKIE}=a; {COOKIE}=b; {STEP}={api.http.cookies[STEP].value}"
        response = second(api, challenge, HTTP_COOKIE=both)
        assert (response.status_code, response.json()["code"]) == (400, "refresh_ambiguous")

    @pytest.mark.req("REQ-10")
    def test_is_json_in_a_post(self, user: User, api: Api) -> None:
        """Other methods and media types do nothing."""
        challenge = first(api)
        for method in ("get", "put", "delete"):
            assert getattr(api.http, method)(PATH).status_code == 405
        form = api.http.post(PATH, {"challenge": challenge, "code": CODE})
        assert form.status_code == 415
        for body in ("", "[]", "{", '{"challenge": "a", "challenge": "b"}'):
            sent = api.http.post(PATH, body, content_type="application/json")
            assert sent.status_code == 400
        assert asked == []

    def test_that_the_project_refuses_is_not_understood(
        self, user: User, api: Api, settings: Any
    ) -> None:
        """A function may say what is wrong with the answer."""
        settings.TOKENAUTH_SECOND_STEP = f"{ME}strict"
        response = second(api, first(api), 5)
        assert response.status_code == 400
        assert response.json()["errors"] == {"code": ["Six digits."]}

    @pytest.mark.req("REQ-129")
    @pytest.mark.parametrize("debug", [True, False])
    def test_that_fails_shows_no_secret(
        self, user: User, api: Api, settings: Any, debug: Any
    ) -> None:
        """Neither challenge nor answer nor nonce, on Django's technical page either."""
        settings.DEBUG = debug
        settings.TOKENAUTH_SECOND_STEP = f"{ME}slip"
        challenge = first(api)
        nonce = next(iter(api.http.cookies.values())).value
        sent = {"challenge": challenge, "code": "true", "pin": "tellnobody"}
        response = api.post(PATH, sent)
        assert response.status_code == 500
        for secret in (challenge, "tellnobody", nonce):
            assert secret not in response.text


class TestCookie:
    def test_under_debug_has_no_prefix_and_no_secure(
        self, user: User, api: Api, settings: Any
    ) -> None:
        """As the refresh cookie: Safari drops Secure cookies on localhost."""
        settings.DEBUG = True
        challenge = first(api)
        [cookie] = api.http.cookies.values()
        assert (cookie.key, cookie["secure"]) == ("tokenauth-step", "")
        assert second(api, challenge).status_code == 200

    def test_at_the_root_has_the_prefix_of_the_host(
        self, user: User, api: Api, settings: Any
    ) -> None:
        """No sibling host can plant one then."""
        settings.TOKENAUTH_REFRESH_COOKIE_PATH = "/"
        challenge = first(api)
        [cookie] = api.http.cookies.values()
        assert (cookie.key, cookie["path"]) == ("__Host-Http-tokenauth-step", "/")
        assert second(api, challenge).status_code == 200


class TestOneUse:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.req("REQ-13")
    def test_of_answers_at_once_one_gets_a_session(self, user: User, settings: Any) -> None:
        """Four answers, all found right before any of them has a session: one session."""
        settings.TOKENAUTH_SECOND_STEP = f"{ME}verify_together"
        with racers(4) as threads, eager_threads():
            for number in range(1, 11):
                token = first(Api(), client="app")
                statuses = threads.run(lambda: second(Api(), token).status_code)  # noqa: B023 - run before the next round
                assert sorted(statuses) == [200, 401, 401, 401]
                assert AuthSession.objects.count() == number

    @pytest.mark.django_db(transaction=True)
    def test_of_guesses_at_once_five_are_looked_at(self, user: User) -> None:
        """They are counted before the function is asked."""
        challenge = first(Api(), client="app")
        with racers(8) as threads:
            threads.run(lambda: second(Api(), challenge, "000000").status_code)
        assert len(asked) == 5

    def test_outlives_the_session(self, user: User, api: Api) -> None:
        """A challenge whose session was revoked gives no other."""
        challenge = first(api, client="app")
        second(api, challenge)
        sessions.revoke_user_sessions(user, reason="admin")
        assert second(Api(), challenge).status_code == 401

    def test_holds_while_the_cache_is_down(self, user: User, api: Api, settings: Any) -> None:
        """Each process then counts by itself."""
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1/0",
            }
        }
        challenge = first(api, client="app")
        assert second(api, challenge).status_code == 200
        assert second(Api(), challenge).status_code == 401


class TestPath:
    def test_is_not_mounted_without_login(self, settings: Any, db: None, api: Api) -> None:
        """Where identity is proved elsewhere there is no second step of ours."""
        settings.ROOT_URLCONF = __name__
        assert api.post("/auth/refresh/").status_code == 401
        assert api.post(PATH).status_code == 404
