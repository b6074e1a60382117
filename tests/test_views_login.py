"""``POST login/``: every answer, and what it leaves behind."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model, signals
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import override_settings

from tests.conftest import PASSWORD, Api
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken

COOKIE = "__Secure-tokenauth-refresh"
ME = f"{__name__}."
ALLOW_ALL = "django.contrib.auth.backends.AllowAllUsersModelBackend"


class TwoArguments(BaseBackend):
    """A backend whose signature is the shortest that Django allows."""

    def authenticate(  # type: ignore[override]  # Django inspects the signature
        self, request: HttpRequest | None, username: str, password: str
    ) -> Any:
        """Return a user, or nobody."""
        known = get_user_model().objects.filter(username=username).first()
        return known if password == "two arguments" else None

    def get_user(self, user_id: int) -> Any:
        """Return the user of a Django session."""
        return get_user_model().objects.filter(pk=user_id).first()


class Directory(BaseBackend):
    """As an LDAP backend: the user is made at the first login, without a usable password."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **credentials: Any
    ) -> Any:
        """Return a user, or nobody."""
        if credentials.get("password") != "from the directory":
            return None
        user, made = get_user_model().objects.get_or_create(username=username)
        if made:
            user.set_unusable_password()
            user.save()
        return user

    def get_user(self, user_id: int) -> Any:
        """Return the user of a Django session."""
        return get_user_model().objects.filter(pk=user_id).first()


class Forbids(BaseBackend):
    """A backend that stops every backend after it."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """Return a user, or nobody."""
        raise PermissionDenied


class Unsaved(BaseBackend):
    """A backend that returns a user without a row."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """Return a user, or nobody."""
        return get_user_model()(username="nobody")


class Inspects(ModelBackend):
    """A backend that keeps what it was given."""

    seen: list[tuple[Any, dict[str, Any]]] = []

    def authenticate(  # type: ignore[override]  # it keeps whatever it gets
        self, request: HttpRequest | None, **credentials: Any
    ) -> Any:
        """Return a user, or nobody."""
        self.seen.append((request, credentials))
        return super().authenticate(request, **credentials)


def challenging_gate(request: HttpRequest, user: Any) -> Mapping[str, Any] | None:
    """Ask everybody for a second step."""
    assert isinstance(request, HttpRequest)
    return {"methods": ["totp"], "for": user.get_username()}


def open_gate(request: HttpRequest, user: Any) -> None:
    """Ask nobody for anything."""


@pytest.fixture
def fired() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Keep Django's login signals, in order."""
    kept: list[tuple[str, dict[str, Any]]] = []

    def logged_in(**facts: Any) -> None:
        kept.append(("in", facts))

    def failed(**facts: Any) -> None:
        kept.append(("failed", facts))

    signals.user_logged_in.connect(logged_in)
    signals.user_login_failed.connect(failed)
    yield kept
    signals.user_logged_in.disconnect(logged_in)
    signals.user_login_failed.disconnect(failed)


def the_cookie(response: Any) -> str:
    """Return the refresh token that a response sets."""
    return str(response.cookies[COOKIE].value)


class TestSuccess:
    def test_answers_with_the_members_of_the_contract(self, user: User, api: Api) -> None:
        """A browser's login answers with exactly access, token_type, expires_in and session."""
        response = api.login()
        assert response.status_code == 200
        assert set(response.json()) == {"access", "token_type", "expires_in", "session"}
        assert response.json()["token_type"] == "Bearer"
        assert response.json()["expires_in"] == 300

    def test_session_object(self, user: User, api: Api, clock: Any) -> None:
        """The session object has the members of the contract, times in UTC with Z."""
        session = api.login(device_name="kitchen").json()["session"]
        row = AuthSession.objects.get()
        now, end = (
            moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            for moment in (clock(), clock() + timedelta(days=14))
        )
        assert session == {
            "sid": str(row.pk),
            "client": "browser",
            "device_name": "kitchen",
            "user_agent": "",
            "ip": "127.0.0.1",
            "created_at": now,
            "last_seen_at": now,
            "expires_at": end,
            "auth_time": now,
            "amr": ["pwd"],
            "current": True,
        }
        assert now.endswith("Z")

    @pytest.mark.req("REQ-06")
    def test_browser_gets_the_refresh_token_in_the_cookie_only(self, user: User, api: Api) -> None:
        """Nothing but Set-Cookie holds a browser's refresh token, nothing but the body access."""
        response = api.login()
        token, access = the_cookie(response), response.json()["access"]
        headers = {name: value for name, value in response.headers.items() if name != "Set-Cookie"}
        assert token not in response.text
        assert token not in str(headers)
        assert access not in str(response.headers)
        assert access not in response.cookies.output()

    def test_app_gets_the_refresh_token_in_the_body_only(self, user: User, api: Api) -> None:
        """A body client gets refresh and refresh_expires_in, and no cookie."""
        response = api.login(client="app")
        assert len(response.json()["refresh"]) == 64
        assert response.json()["refresh_expires_in"] == 14 * 24 * 3600
        assert not response.cookies

    def test_remembered_cookie_lives_as_long_as_the_session(self, user: User, api: Api) -> None:
        """With ``remember``, which is the default, Max-Age is the session's lifetime."""
        assert api.login().cookies[COOKIE]["max-age"] == 14 * 24 * 3600

    def test_forgotten_cookie_ends_with_the_browser(self, user: User, api: Api) -> None:
        """With ``remember: false`` there is neither Max-Age nor Expires."""
        cookie = api.login(remember=False).cookies[COOKIE]
        assert (cookie["max-age"], cookie["expires"]) == ("", "")
        assert AuthSession.objects.get().persistent is False

    def test_first_client_is_the_default(self, user: User, api: Api) -> None:
        """A login that names no client is one of the first client."""
        with override_settings(TOKENAUTH_CLIENTS={"tv": {"transport": "body"}}):
            assert api.login().json()["session"]["client"] == "tv"

    def test_unknown_members_are_ignored(self, user: User, api: Api) -> None:
        """A member that this release does not know does no harm."""
        assert api.login(colour="blue", gen=7, amr=["hwk"]).status_code == 200
        assert AuthSession.objects.get().amr == ["pwd"]

    @pytest.mark.req("REQ-12")
    def test_row_tells_when_how_and_from_where(self, user: User, api: Api, clock: Any) -> None:
        """The row holds the user, the times, the client kind, the method, address and agent."""
        agent = {"User-Agent": "agent/1 " + "x" * 10_000}
        api.http.defaults["REMOTE_ADDR"] = "192.0.2.7"
        api.post(
            "/auth/login/",
            {"username": "ada", "password": PASSWORD, "client": "app"},
            headers=agent,
        )
        row = AuthSession.objects.get()
        assert (row.user_id, row.client, row.transport) == (user.pk, "app", "body")
        assert row.created_at == row.last_seen_at == row.auth_time == clock()
        assert row.absolute_expires_at > row.expires_at
        assert (row.first_ip, row.last_ip) == ("192.0.2.7", "192.0.2.7")
        assert row.first_user_agent.startswith("agent/1 xxx")
        assert len(row.first_user_agent) == 400
        assert AuthEvent.objects.get().type == EventType.LOGIN

    @pytest.mark.req("REQ-130")
    def test_access_token_has_no_personal_data(self, user: User, api: Api) -> None:
        """The claims are ids, times and methods: nothing says who the user is."""
        answer = api.login().json()
        payload = answer["access"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        assert set(claims) == {
            *("token_type", "sub", "user_id", "client_id", "sid", "gen", "jti"),
            *("iat", "exp", "auth_time", "amr"),
        }
        assert (claims["sub"], claims["sid"]) == (str(user.pk), answer["session"]["sid"])
        assert len(base64.urlsafe_b64decode(claims["jti"] + "==")) == 16

    def test_signal_fires_once(self, user: User, api: Api, fired: list[Any]) -> None:
        """user_logged_in is sent once, with Django's request and the user."""
        api.login()
        [(kind, facts)] = fired
        assert kind == "in"
        assert facts["user"] == user
        assert isinstance(facts["request"], HttpRequest)

    def test_last_login_is_kept(self, user: User, api: Api) -> None:
        """Django's own receiver has written last_login."""
        api.login()
        user.refresh_from_db()
        assert user.last_login is not None


class TestOverAnotherSession:
    @pytest.mark.req("REQ-01")
    def test_replaces_the_session_of_the_cookie(self, browser: Api) -> None:
        """A second login in one browser makes one new session and ends the first."""
        first = AuthSession.objects.get()
        response = browser.login()
        first.refresh_from_db()
        assert first.revoked_reason == "replaced"
        assert response.json()["session"]["sid"] != str(first.pk)
        assert AuthSession.objects.filter(revoked_at=None).count() == 1

    @pytest.mark.req("REQ-01")
    def test_replaced_tokens_are_dead(self, browser: Api, new_api: Callable[..., Api]) -> None:
        """The refresh token and the access token of the replaced session are refused."""
        old = new_api()
        old.access = browser.access
        old.http.cookies[COOKIE] = browser.http.cookies[COOKIE].value
        browser.login()
        assert old.whoami().status_code == 401
        assert old.refresh().json()["code"] == "session_ended"

    def test_failed_login_replaces_nothing(self, browser: Api) -> None:
        """A wrong password leaves the session of the cookie alone."""
        assert browser.login(password="wrong").status_code == 401
        assert browser.refresh().status_code == 200

    def test_body_client_replaces_nothing(self, browser: Api) -> None:
        """A login of a body client is no login of the browser whose cookie is sent with it."""
        browser.login(client="app")
        assert AuthSession.objects.filter(revoked_at=None).count() == 2

    @pytest.mark.req("REQ-02")
    def test_planted_value_never_becomes_valid(
        self, user: User, api: Api, new_api: Callable[..., Api]
    ) -> None:
        """A value that was in the cookie before the login is not the session's token after it."""
        planted = "A" * 64
        api.http.cookies[COOKIE] = planted
        response = api.login()
        assert the_cookie(response) != planted
        other = new_api()
        other.http.cookies[COOKIE] = planted
        assert other.refresh().json()["code"] == "refresh_invalid"

    def test_two_cookies_are_refused(self, user: User, api: Api) -> None:
        """With two refresh cookies a cookie client cannot log in, and nothing is written."""
        response = api.post(
            "/auth/login/",
            {"username": "ada", "password": PASSWORD},
            HTTP_COOKIE=f"{COOKIE}=one; {COOKIE}=two",
        )
        assert response.status_code == 400
        assert response.json()["code"] == "refresh_ambiguous"
        assert not AuthSession.objects.exists()


class TestFailure:
    @pytest.mark.req("REQ-03")
    @pytest.mark.parametrize("backend", ["ModelBackend", "AllowAllUsersModelBackend"])
    def test_every_failure_looks_the_same(self, user: User, api: Api, backend: str) -> None:
        """Unknown user, wrong password and inactive account: one body, one set of headers."""
        get_user_model().objects.create_user("idle", password=PASSWORD, is_active=False)
        tries = [("ada", "wrong"), ("nobody", PASSWORD), ("idle", PASSWORD), ("idle", "wrong")]
        with override_settings(AUTHENTICATION_BACKENDS=[f"django.contrib.auth.backends.{backend}"]):
            answers = [api.login(name, word) for name, word in tries]
        seen = {(a.status_code, a.content, tuple(a.headers.items())) for a in answers}
        assert len(seen) == 1
        assert answers[0].status_code == 401
        assert answers[0].json()["code"] == "login_failed"
        assert answers[0]["WWW-Authenticate"] == "Bearer"
        assert not any(answer.cookies for answer in answers)

    @pytest.mark.req("REQ-05")
    def test_inactive_account_that_a_backend_lets_pass(
        self, user: User, api: Api, fired: list[Any]
    ) -> None:
        """AllowAllUsersModelBackend returns inactive users; they get no session, one signal."""
        get_user_model().objects.update(is_active=False)
        with override_settings(AUTHENTICATION_BACKENDS=[ALLOW_ALL]):
            assert api.login().json()["code"] == "login_failed"
        assert not AuthSession.objects.exists()
        assert [kind for kind, _ in fired] == ["failed"]
        assert PASSWORD not in str(fired[0][1]["credentials"])

    def test_inactive_account_never_reaches_the_gate(self, user: User, api: Api) -> None:
        """A challenge would tell that the password of an inactive account was right."""
        get_user_model().objects.update(is_active=False)
        gate = f"{ME}challenging_gate"
        with override_settings(AUTHENTICATION_BACKENDS=[ALLOW_ALL], TOKENAUTH_LOGIN_GATE=gate):
            assert api.login().json()["code"] == "login_failed"

    def test_user_without_a_row(self, db: None, api: Api) -> None:
        """A backend that returns an unsaved user has logged nobody in."""
        with override_settings(AUTHENTICATION_BACKENDS=[f"{ME}Unsaved"]):
            assert api.login().json()["code"] == "login_failed"

    def test_signal_fires_once_with_masked_credentials(
        self, user: User, api: Api, fired: list[Any]
    ) -> None:
        """user_login_failed is sent once, with the request and without the password."""
        api.login(password="the wrong one")
        [(kind, facts)] = fired
        assert kind == "failed"
        assert facts["credentials"]["username"] == "ada"
        assert "the wrong one" not in str(facts["credentials"])
        assert isinstance(facts["request"], HttpRequest)

    def test_leaves_an_event_without_the_user_name(self, user: User, api: Api) -> None:
        """A failure is in the audit trail; what was typed as a name may be a password."""
        api.login("hunter2 typed in the wrong field", "x")
        event = AuthEvent.objects.get()
        assert event.type == EventType.LOGIN_FAILED
        assert "hunter2" not in str(vars(event))

    @pytest.mark.req("REQ-10")
    def test_credentials_in_the_url_are_not_read(
        self, user: User, api: Api, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Credentials in the query string are a 400, and no log has them."""
        caplog.set_level("DEBUG")
        response = api.post(f"/auth/login/?username=ada&password={quote(PASSWORD)}")
        assert response.status_code == 400
        assert set(response.json()["errors"]) == {"username", "password"}
        assert quote(PASSWORD) not in caplog.text
        assert PASSWORD not in caplog.text

    @pytest.mark.req("REQ-128")
    def test_sent_text_forges_no_log_line(
        self, user: User, api: Api, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Line breaks, escapes and bidi marks in name, agent and device stay on one line."""
        caplog.set_level("DEBUG", logger="tokenauth")
        hostile = "x\r\nWARNING forged\x1b[31m\u202e"
        agent = {"User-Agent": hostile.encode().decode("latin-1")}
        for name, word in (("ada", PASSWORD), (hostile, "x")):
            data = {"username": name, "password": word, "device_name": hostile}
            api.post("/auth/login/", data, headers=agent)
        messages = [r.getMessage() for r in caplog.records if r.name.startswith("tokenauth")]
        assert [message.split()[0] for message in messages] == [
            *("authn_login_success", "session_created", "authn_token_created"),
            "authn_login_fail",
        ]
        assert not any(set("\r\n\x1b\u202e") & set(message) for message in messages)
        row = AuthSession.objects.get()
        assert row.device_name.isprintable()
        assert row.first_user_agent.isprintable()


class TestClient:
    CLIENTS = {
        "browser": {"transport": "cookie"},
        "device": {"transport": "body", "login": False},
    }

    @pytest.mark.parametrize("client", ["unknown", "device", "Browser", "browser "])
    def test_must_be_one_that_may_log_in(self, user: User, api: Api, client: str) -> None:
        """An unknown client and one with ``login: False`` are the same 400."""
        with override_settings(TOKENAUTH_CLIENTS=self.CLIENTS):
            response = api.login(client=client)
        assert response.status_code == 400
        assert response.json()["code"] == "bad_request"
        assert list(response.json()["errors"]) == ["client"]
        assert not AuthSession.objects.exists()

    def test_is_judged_before_the_password(self, user: User, api: Api, fired: list[Any]) -> None:
        """A wrong client asks no backend."""
        api.login(client="unknown")
        assert fired == []


class TestPassword:
    @pytest.mark.req("REQ-08")
    @pytest.mark.parametrize("word", ["  p w  ", "\tp\n", "p" * 200, "пароль🔑", " "])
    def test_is_verified_as_sent(self, db: None, api: Api, word: str) -> None:
        """Leading and trailing white space and length count: exact passes, stripped fails."""
        get_user_model().objects.create_user("eve", password=word)
        assert api.login("eve", word).status_code == 200
        changed = word.strip() if word.strip() != word else word[:-1]
        assert api.login("eve", changed).status_code in {400, 401}

    def test_user_name_is_not_stripped(self, user: User, api: Api) -> None:
        """The name goes to the backends as sent, too."""
        assert api.login(" ada ").status_code == 401


class TestBackend:
    def test_gets_djangos_request_and_the_credentials(self, user: User, api: Api) -> None:
        """A backend is called with Django's request, username and password, and nothing else."""
        Inspects.seen.clear()
        with override_settings(AUTHENTICATION_BACKENDS=[f"{ME}Inspects"]):
            assert api.login(device_name="x", client="app").status_code == 200
        [(request, credentials)] = Inspects.seen
        assert isinstance(request, HttpRequest)
        assert credentials == {"username": "ada", "password": PASSWORD}

    def test_of_the_shortest_signature(self, user: User, api: Api) -> None:
        """A backend that takes (request, username, password) works."""
        with override_settings(AUTHENTICATION_BACKENDS=[f"{ME}TwoArguments"]):
            assert api.login(password="two arguments").status_code == 200

    def test_that_raises_permission_denied(self, user: User, api: Api, fired: list[Any]) -> None:
        """PermissionDenied stops the backends after it: 401, one signal, no 403."""
        backends = [f"{ME}Forbids", "django.contrib.auth.backends.ModelBackend"]
        with override_settings(AUTHENTICATION_BACKENDS=backends):
            response = api.login()
        assert (response.status_code, response.json()["code"]) == (401, "login_failed")
        assert [kind for kind, _ in fired] == ["failed"]

    def test_of_a_directory(self, db: None, api: Api) -> None:
        """A user who is made at login, without a usable password, logs in and refreshes."""
        with override_settings(AUTHENTICATION_BACKENDS=[f"{ME}Directory"]):
            assert api.login("newcomer", "from the directory", client="app").status_code == 200
            assert api.refresh().status_code == 200
            assert api.whoami().json() == {"username": "newcomer"}


class TestGate:
    def test_answers_with_its_challenge(self, user: User, api: Api, fired: list[Any]) -> None:
        """A challenge is a 401 mfa_required, before any session, cookie or signal exists."""
        with override_settings(TOKENAUTH_LOGIN_GATE=f"{ME}challenging_gate"):
            response = api.login()
        assert response.status_code == 401
        assert response.json()["code"] == "mfa_required"
        assert response.json()["challenge"] == {"methods": ["totp"], "for": "ada"}
        assert response["WWW-Authenticate"] == "Bearer"
        assert not response.cookies
        assert not AuthSession.objects.exists()
        assert fired == []

    def test_is_not_asked_after_a_wrong_password(self, user: User, api: Api) -> None:
        """Who does not know the password learns nothing of the second step."""
        with override_settings(TOKENAUTH_LOGIN_GATE=f"{ME}challenging_gate"):
            assert api.login(password="wrong").json()["code"] == "login_failed"

    def test_lets_pass(self, user: User, api: Api) -> None:
        """A gate that returns None lets the login go on."""
        with override_settings(TOKENAUTH_LOGIN_GATE=f"{ME}open_gate"):
            assert api.login().status_code == 200


class TestReceiver:
    @pytest.fixture
    def raising(self) -> Iterator[None]:
        """Connect a receiver of user_logged_in that refuses."""

        def refuse(**_facts: Any) -> None:
            raise RuntimeError("refused by the project")

        signals.user_logged_in.connect(refuse)
        yield
        signals.user_logged_in.disconnect(refuse)

    @pytest.mark.req("REQ-32")
    def test_that_raises_leaves_no_session(self, user: User, api: Api, raising: None) -> None:
        """All or nothing: no session, no history, no event, no cookie, no last_login."""
        response = api.login()
        assert response.status_code == 500
        assert not response.cookies
        assert not AuthSession.objects.exists()
        assert not RefreshToken.objects.exists()
        assert not AuthEvent.objects.exists()
        user.refresh_from_db()
        assert user.last_login is None

    @pytest.mark.req("REQ-32")
    def test_that_raises_leaves_the_old_session(self, browser: Api, raising: None) -> None:
        """The session that the login would have replaced goes on."""
        assert browser.login().status_code == 500
        assert browser.refresh().status_code == 200
