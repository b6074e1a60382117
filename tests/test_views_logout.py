"""``POST logout/``: by either token, twice, and with nothing at all."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.test import Client, override_settings

from tests.conftest import Api, Clock
from tokenauth.models import AuthEvent, AuthSession

COOKIE = "__Secure-tokenauth-refresh"
ACCESS_COOKIE = "__Host-Http-tokenauth-access"


def is_deletion(response: Any) -> bool:
    """Return whether a response deletes the refresh cookie."""
    cookie = response.cookies.get(COOKIE)
    return cookie is not None and cookie["max-age"] == 0 and not cookie.value


class TestSession:
    @pytest.mark.req("REQ-38")
    @pytest.mark.parametrize("client", ["browser", "app"])
    def test_is_over_at_once(self, client: str, request: pytest.FixtureRequest) -> None:
        """After a logout the refresh token and the access token are refused."""
        api = request.getfixturevalue(client)
        token = api.http.cookies[COOKIE].value if client == "browser" else None
        response = api.logout()
        assert (response.status_code, response.content) == (204, b"")
        assert is_deletion(response)
        assert api.whoami().status_code == 401
        if token:
            api.http.cookies[COOKIE] = token
        refused = api.refresh()
        assert refused.json()["code"] == "session_ended"
        assert refused.json()["reason"] == "logout"

    @pytest.mark.req("REQ-38")
    def test_is_over_for_the_predecessor_too(self, clock: Clock, app: Api) -> None:
        """A predecessor that would still have been answered is refused."""
        predecessor = app.refresh_token
        clock.advance(seconds=30)
        app.refresh()
        app.logout()
        assert app.refresh(predecessor).json()["code"] == "session_ended"

    @pytest.mark.req("REQ-46")
    def test_ends_by_the_access_token_alone(self, app: Api) -> None:
        """An access token in the header ends its session, and with it the refresh token."""
        token, app.refresh_token = app.refresh_token, None
        assert app.logout().status_code == 204
        assert app.refresh(token).json()["code"] == "session_ended"

    @pytest.mark.req("REQ-46")
    def test_ends_by_the_refresh_token_alone(self, app: Api) -> None:
        """A refresh token in the body ends its session, and with it the access token."""
        assert app.logout(bearer=False).status_code == 204
        assert app.whoami().status_code == 401

    @pytest.mark.req("REQ-40")
    def test_ends_by_the_cookie_alone(self, browser: Api) -> None:
        """The cookie is enough, whether the access token has expired or is lost."""
        assert browser.logout(bearer=False).status_code == 204
        assert AuthSession.objects.get().revoked_reason == "logout"

    @pytest.mark.req("REQ-40")
    def test_ends_by_an_expired_access_token(self, clock: Clock, app: Api) -> None:
        """An authentic access token of any age still names the session to end."""
        app.refresh_token = None
        clock.advance(hours=8)
        assert app.logout().status_code == 204
        assert AuthSession.objects.get().revoked_reason == "logout"

    def test_ends_by_a_superseded_token_without_alarm(self, clock: Clock, app: Api) -> None:
        """A refresh token of any generation logs out; it is no reuse."""
        oldest = app.refresh_token
        for _ in range(2):
            clock.advance(seconds=31)
            app.refresh()
        app.post("/auth/logout/", {"refresh": oldest}, bearer=False)
        assert AuthSession.objects.get().revoked_reason == "logout"
        assert not AuthEvent.objects.filter(type="reuse").exists()

    def test_ends_each_that_a_token_proves(self, browser: Api, new_api: Callable[..., Api]) -> None:
        """A cookie of one session and an access token of another end both."""
        other = new_api()
        other.login(client="app")
        browser.access = other.access
        browser.logout()
        assert not AuthSession.objects.filter(revoked_at=None).exists()

    def test_sends_djangos_signal_once(self, browser: Api, user: User) -> None:
        """user_logged_out names the user; a logout that ended nothing sends none."""
        told: list[Any] = []

        def receive(**facts: Any) -> None:
            told.append(facts["user"])

        user_logged_out.connect(receive)
        try:
            browser.logout()
            browser.logout()
        finally:
            user_logged_out.disconnect(receive)
        assert told == [user]


class TestNothing:
    @pytest.mark.req("REQ-40", "REQ-47")
    @pytest.mark.parametrize("refresh", ["", "garbage", "A" * 64])
    def test_is_a_204_that_changes_nothing(self, app: Api, new_api: Any, refresh: str) -> None:
        """Without a token, or with garbage: the same 204, the cookie deleted, nothing ended."""
        response = new_api().post("/auth/logout/", {"refresh": refresh})
        assert (response.status_code, response.content) == (204, b"")
        assert is_deletion(response)
        assert app.refresh().status_code == 200

    @pytest.mark.req("REQ-47")
    def test_forged_token_ends_nothing(self, app: Api, new_api: Callable[..., Api]) -> None:
        """A token with a wrong MAC names a session that it does not prove."""
        token = str(app.refresh_token)
        forged = token[:-1] + ("A" if token[-1] != "A" else "B")
        response = new_api().post("/auth/logout/", {"refresh": forged})
        assert response.status_code == 204
        assert app.refresh().status_code == 200

    @pytest.mark.req("REQ-47")
    def test_forged_access_token_ends_nothing(self, app: Api) -> None:
        """A changed access token is as good as none."""
        token, good = app.refresh_token, str(app.access)
        app.access, app.refresh_token = good[:-2] + ("AA" if good[-2:] != "AA" else "BB"), None
        assert app.logout().status_code == 204
        assert app.refresh(token).status_code == 200

    @pytest.mark.req("REQ-40", "REQ-47")
    def test_twice_is_the_same(self, browser: Api) -> None:
        """A second logout answers as the first and writes no second event."""
        token = browser.http.cookies[COOKIE].value
        first = browser.logout()
        browser.http.cookies[COOKIE] = token
        second = browser.logout()
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert AuthEvent.objects.filter(type="revoked").count() == 1

    @pytest.mark.req("REQ-47")
    def test_expired_session_stays_expired(self, clock: Clock, app: Api) -> None:
        """A logout after the end does not call the session revoked."""
        clock.advance(days=15)
        assert app.logout().status_code == 204
        assert AuthSession.objects.get().revoked_at is None


class TestCookie:
    def test_of_one_name_twice_is_refused(self, browser: Api) -> None:
        """Two refresh cookies: 400, and nothing is ended."""
        response = browser.post(
            "/auth/logout/", bearer=False, HTTP_COOKIE=f"{COOKIE}=a; {COOKIE}=b"
        )
        assert (response.status_code, response.json()["code"]) == (400, "refresh_ambiguous")
        assert AuthSession.objects.get().revoked_at is None

    @override_settings(TOKENAUTH_ACCESS_COOKIE=True)
    def test_of_access_goes_too(self, browser: Api) -> None:
        """Where there is an access cookie, logout ends its session and deletes it."""
        browser.login()
        del browser.http.cookies[COOKIE]
        response = browser.logout(bearer=False)
        assert response.cookies[ACCESS_COOKIE]["max-age"] == 0
        assert not AuthSession.objects.filter(revoked_at=None).exists()

    def test_that_was_deleted_is_none(self, app: Api) -> None:
        """A client that keeps the empty value of a deleted cookie has no refresh cookie."""
        app.http.cookies.load(f'{COOKIE}=""')
        assert app.refresh().status_code == 200

    @pytest.mark.req("REQ-80")
    @pytest.mark.parametrize(
        "headers",
        [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}],
    )
    def test_is_not_deleted_for_another_site(self, db: None, headers: dict[str, str]) -> None:
        """A form of another site brings no SameSite cookie, and its answer deletes none."""
        client = Client(enforce_csrf_checks=True, headers=headers)
        response = client.post("/auth/logout/", b"", content_type="text/plain")
        assert response.status_code == 204
        assert not response.cookies

    @pytest.mark.req("REQ-80")
    def test_of_a_session_needs_proof(self, browser: Api) -> None:
        """With the cookie, a request of another site is a 403 that ends nothing."""
        client = Client(enforce_csrf_checks=True, headers={"Sec-Fetch-Site": "cross-site"})
        client.cookies = browser.http.cookies
        response = client.post("/auth/logout/", content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
        assert AuthSession.objects.get().revoked_at is None

    def test_is_not_needed_with_a_token_in_the_body(self, app: Api) -> None:
        """A body client sends no proof: its token is one. It gets no deletion either."""
        client = Client(enforce_csrf_checks=True)
        response = client.post(
            "/auth/logout/", {"refresh": app.refresh_token}, content_type="application/json"
        )
        assert response.status_code == 204
        assert not response.cookies
        assert AuthSession.objects.get().revoked_reason == "logout"
