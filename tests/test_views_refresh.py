"""``POST refresh/``: both transports, every failure, and what never changes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from tests.conftest import Api, Clock
from tokenauth.models import AuthEvent, AuthSession, RefreshToken

COOKIE = "__Secure-tokenauth-refresh"
GRACE = 30


def cookie_of(api: Api) -> str:
    """Return the refresh token in a client's cookie jar."""
    return str(api.http.cookies[COOKIE].value)


def rows() -> list[Any]:
    """Return all that the database holds of sessions."""
    return [list(m.objects.order_by("pk").values()) for m in (AuthSession, RefreshToken, AuthEvent)]


class TestSuccess:
    def test_browser_gets_a_new_cookie_and_access_token(self, clock: Clock, browser: Api) -> None:
        """After the grace: 200 as a login, the successor in the cookie and not in the body."""
        before, access = cookie_of(browser), browser.access
        clock.advance(seconds=GRACE)
        response = browser.refresh()
        assert response.status_code == 200
        assert set(response.json()) == {"access", "token_type", "expires_in", "session"}
        assert response.cookies[COOKIE].value != before
        assert response.json()["access"] != access
        assert cookie_of(browser) not in response.text

    def test_app_gets_both_in_the_body(self, clock: Clock, app: Api) -> None:
        """A body client gets its successor with the lifetime, and no cookie."""
        before = app.refresh_token
        clock.advance(seconds=GRACE)
        response = app.refresh()
        assert response.json()["refresh"] != before
        assert response.json()["refresh_expires_in"] == 14 * 24 * 3600
        assert not response.cookies

    @pytest.mark.parametrize("client", ["browser", "app"])
    def test_unchanged_token_is_not_repeated(
        self, client: str, request: pytest.FixtureRequest
    ) -> None:
        """Within the grace the current token is kept: no Set-Cookie, no refresh in the body."""
        response = request.getfixturevalue(client).refresh()
        assert response.status_code == 200
        assert not response.cookies
        assert "refresh" not in response.json()
        assert "refresh_expires_in" not in response.json()

    def test_cookie_makes_the_body_count_for_nothing(
        self, browser: Api, new_api: Callable[..., Api]
    ) -> None:
        """With a cookie, a token in the body is neither used nor judged."""
        other = new_api()
        other.login(client="app")
        sid = browser.get("/auth/me/").json()["session"]["sid"]
        response = browser.refresh(other.refresh_token)
        assert response.json()["session"]["sid"] == sid
        assert browser.refresh("garbage").status_code == 200

    def test_forgotten_session_stays_forgotten(self, user: User, api: Api, clock: Clock) -> None:
        """The cookie of a session without ``remember`` is renewed without Max-Age."""
        api.login(remember=False)
        clock.advance(seconds=GRACE)
        assert api.refresh().cookies[COOKIE]["max-age"] == ""

    def test_session_is_the_current_one(self, app: Api) -> None:
        """The session object of the answer is marked as current."""
        assert app.refresh().json()["session"]["current"] is True


class TestMissing:
    @pytest.mark.req("REQ-30")
    @pytest.mark.parametrize("data", [{}, {"refresh": ""}, {"token": "x"}])
    def test_is_told_apart(self, db: None, api: Api, data: Any) -> None:
        """Nothing sent: 401 refresh_missing. The design tells it apart from a bad token."""
        response = api.post("/auth/refresh/", data)
        assert (response.status_code, response.json()["code"]) == (401, "refresh_missing")
        assert response["WWW-Authenticate"] == "Bearer"

    def test_empty_cookie_is_none(self, db: None, api: Api) -> None:
        """A cookie without a value is no token."""
        response = api.post("/auth/refresh/", HTTP_COOKIE=f"{COOKIE}=")
        assert response.json()["code"] == "refresh_missing"

    @pytest.mark.req("REQ-34")
    def test_token_elsewhere_is_none(self, app: Api) -> None:
        """A refresh token in the URL, a header or another cookie is not looked at."""
        # Escaped, as Django's own log records show the URL of a request.
        escaped = "".join(f"%{ord(char):02X}" for char in str(app.refresh_token))
        response = app.post(
            f"/auth/refresh/?refresh={escaped}",
            bearer=False,
            headers={"Authorization": f"Bearer {app.refresh_token}"},
            HTTP_COOKIE=f"refresh={app.refresh_token}",
        )
        assert response.json()["code"] == "refresh_missing"


class TestRefused:
    def test_two_cookies(self, browser: Api) -> None:
        """Two refresh cookies are a 400, and the session is unharmed."""
        token, before = cookie_of(browser), rows()
        pair = f"{COOKIE}={token}; {COOKIE}={token}"
        response = browser.post("/auth/refresh/", HTTP_COOKIE=pair)
        assert (response.status_code, response.json()["code"]) == (400, "refresh_ambiguous")
        assert rows() == before

    @pytest.mark.req("REQ-34")
    def test_two_cookies_delete_only_what_a_parent_domain_planted(self, browser: Api) -> None:
        """Each deletion names a parent domain: the cookie of this host has none, and stays."""
        response = browser.post(
            "/auth/refresh/",
            HTTP_COOKIE=f"{COOKIE}=one; {COOKIE}=two",
            HTTP_HOST="app.team.example.com",
        )
        cookies = response.cookies.values()
        assert {cookie["domain"] for cookie in cookies} == {"team.example.com", "example.com"}
        assert all(cookie["max-age"] == 0 for cookie in cookies)

    @pytest.mark.req("REQ-28")
    def test_token_of_a_cookie_in_a_body(self, browser: Api, new_api: Callable[..., Api]) -> None:
        """A cookie session's token in a body is refused, and its session goes on."""
        response = new_api().refresh(cookie_of(browser))
        assert (response.status_code, response.json()["code"]) == (401, "refresh_invalid")
        assert browser.refresh().status_code == 200

    @pytest.mark.req("REQ-28")
    def test_token_of_a_body_in_a_cookie(self, app: Api, new_api: Callable[..., Api]) -> None:
        """A body session's token in a cookie is refused, and its session goes on."""
        other = new_api()
        other.http.cookies[COOKIE] = str(app.refresh_token)
        assert other.refresh().json()["code"] == "refresh_invalid"
        assert app.refresh().status_code == 200

    @pytest.mark.req("REQ-30")
    @pytest.mark.parametrize("cause", ["logout", "reuse", "expired", "account", "revoked"])
    def test_ended_session_says_how(
        self, clock: Clock, app: Api, user: User, cause: str, new_api: Callable[..., Api]
    ) -> None:
        """An ended session is a 401 session_ended with the coarse reason, also when asked twice."""
        first = app.refresh_token
        if cause == "logout":
            app.logout()
        elif cause == "reuse":
            for _ in range(2):
                clock.advance(seconds=GRACE + 1)
                app.refresh()
            clock.advance(seconds=GRACE + 1)
        elif cause == "expired":
            clock.advance(days=14)
        elif cause == "account":
            type(user).objects.update(is_active=False)
        else:
            app.post("/auth/sessions/revoke/", {"scope": "all"})
        for _ in range(2):
            response = new_api().refresh(first)
            assert response.status_code == 401
            assert response.json()["code"] == "session_ended"
            assert response.json()["reason"] == cause
            assert response["WWW-Authenticate"] == "Bearer"

    @pytest.mark.req("REQ-30")
    def test_everything_unauthentic_has_one_body(self, app: Api) -> None:
        """Malformed, forged, of an unknown session, by the wrong transport: one answer."""
        token = app.refresh_token or ""
        flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
        other_session = token[:3] + ("A" if token[3] != "A" else "B") + token[4:]
        answers = [app.refresh(raw) for raw in ("x", "A" * 64, flipped, other_session)]
        seen = {(a.status_code, a.content, tuple(a.headers.items())) for a in answers}
        assert len(seen) == 1
        assert answers[0].json()["code"] == "refresh_invalid"

    def test_no_failure_touches_a_cookie(self, clock: Clock, browser: Api) -> None:
        """A failed refresh neither sets nor deletes: a login may be under way in another tab."""
        clock.advance(days=15)
        response = browser.refresh()
        assert response.json()["code"] == "session_ended"
        assert not response.cookies

    @pytest.mark.req("REQ-31", "REQ-136")
    @pytest.mark.parametrize("transport", ["cookie", "body"])
    @pytest.mark.parametrize(
        "raw",
        [
            *("' OR 1=1 --", "../../etc/passwd", "%00", "null", "\x7f", "ä" * 64, "🔑" * 16),
            *("A" * 63, "A" * 65, "A" * 64, "=" * 64, "-_" * 32, "A" * 4096),
        ],
    )
    def test_hostile_value(
        self, db: None, api: Api, transport: str, raw: str, django_assert_max_num_queries: Any
    ) -> None:
        """A hostile token is a 401 that costs one query at most."""
        sent: dict[str, Any] = {"data": {"refresh": raw}}
        if transport == "cookie":
            text = raw.encode().decode("latin-1")
            sent = {"HTTP_COOKIE": f"{COOKIE}={text}"}
        with django_assert_max_num_queries(1):
            response = api.post("/auth/refresh/", **sent)
        assert (response.status_code, response.json()["code"]) == (401, "refresh_invalid")


class TestBusy:
    @pytest.fixture
    def other_writers(self) -> Iterator[None]:
        """Have every UPDATE of a session rejected, as a serialisation failure does."""

        def refuse(execute: Any, sql: str, *rest: Any) -> Any:
            if "UPDATE" in sql and "tokenauth_authsession" in sql:
                raise OperationalError("could not serialize access")
            return execute(sql, *rest)

        with connection.execute_wrapper(refuse):
            yield

    @pytest.mark.parametrize("client", ["browser", "app"])
    @pytest.mark.django_db(transaction=True)
    def test_lost_races_are_a_503(
        self, clock: Clock, client: str, request: pytest.FixtureRequest
    ) -> None:
        """When other writers always win: 503 try_again with Retry-After, and no cookie."""
        api = request.getfixturevalue(client)
        clock.advance(seconds=GRACE)
        request.getfixturevalue("other_writers")
        response = api.refresh()
        assert (response.status_code, response.json()["code"]) == (503, "try_again")
        assert int(response["Retry-After"]) >= 1
        assert not response.cookies
        assert "refresh" not in response.json()
