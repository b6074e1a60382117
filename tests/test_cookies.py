"""Every attribute of every cookie, as a browser reads it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import override_script_prefix
from django.urls import include, path

from tests.conftest import PASSWORD
from tests.jar import MAX_PAIR, Jar, SetCookie, Tab, cookies_of, parse
from tokenauth import cookies
from tokenauth.exceptions import AmbiguousCookie
from tokenauth.models import AuthSession
from tokenauth.sessions import revoke_user_sessions, start_session

pytestmark = pytest.mark.any_database

REFRESH = "__Secure-tokenauth-refresh"
HOST_REFRESH = "__Host-Http-tokenauth-refresh"
ACCESS = "__Host-Http-tokenauth-access"
FORTNIGHT = 14 * 24 * 3600


def only(response: Any, name: str = REFRESH) -> SetCookie:
    """Return the one cookie with a token that a response sets, which must have this name."""
    (cookie,) = tokens_of(response)
    assert cookie.name == name
    return cookie


def tokens_of(response: Any) -> list[SetCookie]:
    """Return the cookies with tokens that a response sets: all but the device cookie."""
    return [cookie for cookie in cookies_of(response) if not cookie.name.endswith("-device")]


def login(api: Any, **extra: Any) -> Any:
    """Log Ada in, without the fixtures' help."""
    return api.post("/auth/login/", {"username": "ada", "password": PASSWORD}, **extra)


@pytest.fixture
def access_cookie(settings: Any) -> None:
    """Turn the access cookie on."""
    settings.TOKENAUTH_ACCESS_COOKIE = True


class TestRefreshCookie:
    @pytest.mark.req("REQ-75")
    def test_login_sets_the_strict_attributes(self, api, user):
        """Secure, HttpOnly, SameSite=Strict, no Domain, the path of the endpoints.

        The rule asks for the path ``/``; the design sends the cookie to the endpoints only, which
        leaves the prefix ``__Secure-``.
        """
        cookie = only(login(api))
        assert cookie.attributes == (REFRESH, "/auth/", None, True, True, "Strict")

    @pytest.mark.req("REQ-75")
    def test_rotation_sets_the_same_attributes(self, clock, browser):
        """The successor replaces its predecessor: same name, path and flags."""
        clock.advance(seconds=40)
        cookie = only(browser.refresh())
        assert cookie.attributes == (REFRESH, "/auth/", None, True, True, "Strict")

    @pytest.mark.req("REQ-39")
    def test_logout_repeats_the_attributes(self, api, user):
        """A deletion that lacks an attribute is ignored by a browser that enforces prefixes."""
        given = only(login(api))
        deleted = only(api.logout())
        assert deleted.attributes == given.attributes
        assert deleted.is_deletion
        assert deleted.value == ""
        assert deleted.expires == datetime(1970, 1, 1, tzinfo=UTC)

    @pytest.mark.req("REQ-39")
    def test_deletion_under_the_host_prefix_repeats_the_attributes(self, api, user, settings):
        """With the path ``/`` the deletion carries HttpOnly too, without which it is ignored."""
        settings.TOKENAUTH_REFRESH_COOKIE_PATH = "/"
        given = only(login(api), HOST_REFRESH)
        assert only(api.logout(), HOST_REFRESH).attributes == given.attributes

    @pytest.mark.req("REQ-75")
    def test_path_of_the_root_takes_the_host_prefix(self, api, user, settings):
        """``__Host-Http-`` keeps sibling hosts from planting one."""
        settings.TOKENAUTH_REFRESH_COOKIE_PATH = "/"
        cookie = only(login(api), HOST_REFRESH)
        assert cookie.attributes == (HOST_REFRESH, "/", None, True, True, "Strict")

    @pytest.mark.req("REQ-75")
    def test_the_name_is_case_sensitive(self, browser):
        """A cookie of the same letters in another case is another cookie."""
        value = browser.http.cookies[REFRESH].value
        answer = browser.http.post(
            "/auth/refresh/",
            "{}",
            content_type="application/json",
            headers={"Cookie": f"{REFRESH.lower()}={value}"},
        )
        assert answer.status_code == 401
        assert answer.json()["code"] == "refresh_missing"

    def test_an_empty_cookie_is_no_cookie(self, clock, app):
        """What a deletion leaves behind in careless clients does not make a cookie request."""
        clock.advance(seconds=40)
        for value in ("", '""', " "):
            answer = app.refresh(headers={"Cookie": f"{REFRESH}={value}"})
            assert answer.status_code == 200

    def test_body_clients_get_no_cookie(self, clock, api, user, access_cookie):
        """Login, refresh of a body client: no Set-Cookie at all."""
        assert cookies_of(api.login(client="app")) == []
        clock.advance(seconds=40)
        assert cookies_of(api.refresh()) == []


class TestAccessCookie:
    @pytest.mark.req("REQ-75")
    def test_login_sets_both(self, api, user, access_cookie):
        """The access cookie is for every page: path ``/``, SameSite=Lax, strict prefix."""
        refresh, access = tokens_of(login(api))
        assert refresh.name == REFRESH
        assert access.attributes == (ACCESS, "/", None, True, True, "Lax")
        assert access.max_age == refresh.max_age == FORTNIGHT

    def test_refresh_that_keeps_writes_it_alone(self, clock, browser, access_cookie):
        """The refresh token did not change, so its cookie is not sent; the access token did."""
        browser.refresh()
        clock.advance(seconds=5)
        assert only(browser.refresh(), ACCESS).max_age == FORTNIGHT - 5

    @pytest.mark.req("REQ-39")
    def test_logout_deletes_both(self, api, user, access_cookie):
        """Each deletion repeats the attributes of its cookie."""
        given = [cookie.attributes for cookie in tokens_of(login(api))]
        deleted = cookies_of(api.logout())
        assert [cookie.attributes for cookie in deleted] == given
        assert all(cookie.is_deletion for cookie in deleted)

    def test_two_of_them_are_none(self, rf: RequestFactory, access_cookie):
        """Which of two is honest cannot be told, so neither authenticates."""
        request = rf.get("/page", headers={"Cookie": f"{ACCESS}=a; {ACCESS}=b"})
        assert cookies.read_access_cookie(request) is None

    def test_it_is_not_read_unless_it_is_on(self, rf: RequestFactory):
        """Without the setting a cookie of that name means nothing."""
        request = rf.get("/page", headers={"Cookie": f"{ACCESS}=a"})
        assert cookies.read_access_cookie(request) is None
        assert cookies.presented_tokens(request) == ([], [])


class TestPlainHttp:
    """Safari drops Secure cookies on http://localhost."""

    def test_under_debug_there_is_no_prefix_and_no_secure(self, api, user, settings, access_cookie):
        """Both cookies lose the prefix with Secure; nothing else changes."""
        settings.DEBUG = True
        refresh, access = tokens_of(login(api))
        assert refresh.attributes == ("tokenauth-refresh", "/auth/", None, False, True, "Strict")
        assert access.attributes == ("tokenauth-access", "/", None, False, True, "Lax")

    def test_its_deletion_has_none_either(self, api, user, settings):
        """The deletion is the one of the cookie that was set."""
        settings.DEBUG = True
        given = only(login(api), "tokenauth-refresh")
        assert only(api.logout(), "tokenauth-refresh").attributes == given.attributes

    def test_https_under_debug_is_strict(self, api, user, settings):
        """DEBUG alone weakens nothing."""
        settings.DEBUG = True
        cookie = only(login(api, secure=True))
        assert cookie.attributes == (REFRESH, "/auth/", None, True, True, "Strict")

    @pytest.mark.req("REQ-75")
    def test_without_debug_plain_http_is_strict(self, api, user):
        """Behind a proxy that ends TLS every request looks like plain http."""
        assert only(login(api)).secure

    def test_the_unprefixed_name_is_not_read_without_debug(self, browser):
        """A sibling host can plant an unprefixed cookie over plain http."""
        value = browser.http.cookies[REFRESH].value
        answer = browser.refresh(headers={"Cookie": f"tokenauth-refresh={value}"})
        assert answer.json()["code"] == "refresh_missing"


class TestSettings:
    @pytest.mark.req("REQ-76")
    @pytest.mark.parametrize(
        ("setting", "value", "expected"),
        [
            ("NAME", "__Secure-other", ("__Secure-other", "/auth/", None, True, True, "Strict")),
            ("NAME", "other", ("other", "/auth/", None, True, True, "Strict")),
            ("PATH", "/auth", (REFRESH, "/auth", None, True, True, "Strict")),
            ("PATH", "/api/auth/", (REFRESH, "/api/auth/", None, True, True, "Strict")),
            ("SAMESITE", "Lax", (REFRESH, "/auth/", None, True, True, "Lax")),
            ("SAMESITE", "None", (REFRESH, "/auth/", None, True, True, "None")),
            ("SECURE", False, ("tokenauth-refresh", "/auth/", None, False, True, "Strict")),
            ("SECURE", True, (REFRESH, "/auth/", None, True, True, "Strict")),
        ],
    )
    def test_each_changes_its_attribute_alone(self, api, user, settings, setting, value, expected):
        """A weaker cookie needs its setting; HttpOnly has none, nor has Domain."""
        setattr(settings, f"TOKENAUTH_REFRESH_COOKIE_{setting}", value)
        given = only(login(api), expected[0])
        assert given.attributes == expected
        assert only(api.logout(), expected[0]).attributes == expected

    def test_secure_can_be_forced_under_debug(self, api, user, settings):
        """``True`` holds on plain http too."""
        settings.DEBUG = True
        settings.TOKENAUTH_REFRESH_COOKIE_SECURE = True
        assert only(login(api)).secure

    @pytest.mark.parametrize("prefix", ["__Secure-", "__Host-", "__Http-", "__Host-Http-"])
    def test_a_named_prefix_goes_with_secure(self, rf, settings, prefix):
        """A browser refuses a prefixed cookie that is not Secure."""
        settings.TOKENAUTH_REFRESH_COOKIE_NAME = f"{prefix}other"
        settings.TOKENAUTH_REFRESH_COOKIE_SECURE = False
        assert cookies.refresh_cookie_name(rf.get("/")) == "other"


class TestMountPoints:
    @pytest.mark.parametrize(
        ("mount", "name", "expected"),
        [
            ("auth/", REFRESH, "/auth/"),
            ("api/v1/accounts/auth/", REFRESH, "/api/v1/accounts/auth/"),
            ("", HOST_REFRESH, "/"),
        ],
    )
    def test_the_path_follows_the_mount(self, api, user, settings, mount, name, expected):
        """The cookie goes to the endpoints, wherever they are; at the root its prefix is strict."""
        settings.ROOT_URLCONF = (path(mount, include("tokenauth.urls")),)
        answer = api.post(f"/{mount}login/", {"username": "ada", "password": PASSWORD})
        assert only(answer, name).path == expected

    def test_nested_includes(self, api, user, settings):
        """An include within an include is a longer path."""
        inner = [path("auth/", include("tokenauth.urls"))]
        settings.ROOT_URLCONF = (path("api/", include(inner)),)
        answer = api.post("/api/auth/login/", {"username": "ada", "password": PASSWORD})
        assert only(answer).path == "/api/auth/"

    def test_behind_a_script_prefix(self, api, user):
        """A project that is itself mounted below the root: its prefix is part of the path."""
        with override_script_prefix("/site/"):  # as a server's handler does
            assert only(login(api)).path == "/site/auth/"

    def test_a_browser_sends_it_to_every_endpoint_and_no_page(self, clock, user):
        """With and without the last slash; not to the rest of the site."""
        jar = Jar("testserver", clock)
        Tab(jar).post("/auth/login/", {"username": "ada", "password": PASSWORD})
        for url in ("/auth/refresh/", "/auth/refresh", "/auth/logout", "/auth/login/"):
            assert f"{REFRESH}=" in jar.header(url)
        for url in ("/", "/auth", "/authority/", "/api/whoami", "/page"):
            assert jar.header(url) == ""


class TestLifetime:
    @pytest.mark.req("REQ-77")
    def test_max_age_is_what_is_left_of_the_session(self, clock, browser):
        """At the end of the absolute lifetime the cookie ends with the session."""
        lifetimes = []
        for days in (13, 13, 3):
            clock.advance(days=days)
            lifetimes.append(only(browser.refresh()).max_age)
        assert lifetimes == [FORTNIGHT, 4 * 86400, 86400]

    @pytest.mark.req("REQ-77")
    def test_the_server_does_not_rely_on_the_browser(self, clock, browser):
        """A cookie that outlived its Max-Age in some client is refused."""
        clock.advance(days=14)
        answer = browser.refresh()
        assert answer.status_code == 401
        assert answer.json()["reason"] == "expired"

    @pytest.mark.req("REQ-78")
    def test_without_remember_there_is_no_end(self, clock, api, user, access_cookie):
        """Neither Max-Age nor Expires, after login and after rotation."""
        answers = [api.login(remember=False)]
        clock.advance(seconds=40)
        answers.append(api.refresh())
        for answer in answers:
            for cookie in cookies_of(answer):
                assert (cookie.max_age, cookie.expires) == (None, None)

    @pytest.mark.req("REQ-78")
    def test_a_browser_forgets_it_when_it_closes(self, clock, user):
        """A session that is not to be remembered ends for the browser; the others go on."""
        for remember in (True, False):
            jar = Jar("testserver", clock)
            credentials = {"username": "ada", "password": PASSWORD, "remember": remember}
            Tab(jar).post("/auth/login/", credentials)
            jar.restart()
            assert bool(jar.header("/auth/refresh/")) is remember

    @pytest.mark.req("REQ-77")
    def test_the_longest_possible_cookies_are_kept(self, rf, user, settings, access_cookie):
        """Name and value stay below 4096 bytes: beyond it a browser drops a cookie silently."""
        settings.TOKENAUTH_CLIENTS = {"c" * 64: {"transport": "cookie"}}
        settings.TOKENAUTH_ISSUER = f"https://{'i' * 240}.example"
        settings.TOKENAUTH_AUDIENCE = f"https://{'a' * 240}.example"
        request, response = rf.get("/"), HttpResponse()
        tokens = start_session(user, amr=("pwd", "otp", "hwk", "swk", "mfa", "user", "pin"))
        cookies.set_cookies(request, response, tokens)
        sizes = [len(cookie.name) + len(cookie.value) for cookie in cookies_of(response)]
        assert len(sizes) == 2
        assert max(sizes) <= MAX_PAIR / 2


class TestOneChannel:
    """A refresh token travels in one way, and opens one door."""

    @pytest.mark.req("REQ-34")
    def test_the_body_is_ignored_beside_a_cookie(self, clock, browser, app):
        """A valid token in the body of a cookie request is not looked at."""
        clock.advance(seconds=40)
        answer = browser.refresh(app.refresh_token)
        assert answer.json()["session"]["client"] == "browser"
        assert "refresh" not in answer.json()

    @pytest.mark.req("REQ-34")
    def test_a_bad_cookie_is_not_rescued_by_the_body(self, app):
        """The cookie decides, also if it is refused."""
        answer = app.refresh(headers={"Cookie": f"{REFRESH}=garbage"})
        assert answer.json()["code"] == "refresh_invalid"

    @pytest.mark.req("REQ-34")
    def test_a_cookie_session_is_not_refreshed_from_a_body(self, browser, new_api):
        """Whoever moved the token is not the browser that it was given to."""
        token = browser.http.cookies[REFRESH].value
        answer = new_api().refresh(token)
        assert answer.status_code == 401
        assert answer.json()["code"] == "refresh_invalid"

    @pytest.mark.req("REQ-34")
    def test_url_and_header_are_not_read(self, app, new_api):
        """A token in the query or in an Authorization header is none."""
        other = new_api()
        token = app.refresh_token
        # Spelled so that the log of the request does not show it.
        spelled = "".join(f"%{byte:02x}" for byte in token.encode())
        answers = [
            other.post(f"/auth/refresh/?refresh={spelled}"),
            other.post("/auth/refresh/", headers={"Authorization": f"Bearer {token}"}),
        ]
        assert [answer.json()["code"] for answer in answers] == ["refresh_missing"] * 2

    @pytest.mark.req("REQ-79")
    @pytest.mark.parametrize(
        ("method", "url"),
        [
            ("get", "/api/whoami"),
            ("post", "/api/whoami"),
            ("get", "/auth/me/"),
            ("post", "/auth/reauthenticate/"),
            ("get", "/auth/sessions/"),
            ("post", "/auth/sessions/revoke/"),
        ],
    )
    def test_the_refresh_cookie_opens_nothing_else(self, browser, method, url, access_cookie):
        """With that cookie alone every other route is a 401."""
        cookie = f"{REFRESH}={browser.http.cookies[REFRESH].value}"
        data: dict[str, str] | None = {} if method == "post" else None
        answer = browser.request(method, url, data, bearer=False, headers={"Cookie": cookie})
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer

    @pytest.mark.req("REQ-79")
    def test_a_refresh_token_is_no_access_token(self, browser, access_cookie):
        """Neither in the header nor in the access cookie."""
        token = browser.http.cookies[REFRESH].value
        bearer = browser.get("/api/whoami", headers={"Authorization": f"Bearer {token}"})
        cookie = browser.get("/page", bearer=False, headers={"Cookie": f"{ACCESS}={token}"})
        assert bearer.status_code == 401
        assert cookie.json() == {"username": ""}

    @pytest.mark.req("REQ-20")
    def test_a_refresh_that_fails_touches_no_cookie(self, clock, browser, user):
        """Its answer may arrive after that of a login in another tab."""
        old = browser.http.cookies[REFRESH].value
        for _ in range(2):
            clock.advance(seconds=40)
            browser.refresh()
        missing = browser.refresh(headers={"Cookie": "a=b"})
        forged = browser.refresh(headers={"Cookie": f"{REFRESH}={old[:-8]}AAAAAAAA"})
        reused = browser.refresh(headers={"Cookie": f"{REFRESH}={old}"})
        ended = browser.refresh()
        answers = [missing, forged, reused, ended]
        assert [answer.status_code for answer in answers] == [401] * 4
        assert [cookies_of(answer) for answer in answers] == [[]] * 4

    @pytest.mark.req("REQ-20")
    def test_a_session_that_was_ended_elsewhere_keeps_its_cookie(self, browser, user):
        """A dead cookie harms nobody; its deletion could hit the cookie of a new login."""
        revoke_user_sessions(user, reason="admin")
        assert cookies_of(browser.refresh()) == []


class TestTwoCookies:
    """A sibling host can plant a second cookie for the parent domain."""

    HOST = "app.eu.example.com"

    def ambiguous(self, api: Any, url: str = "/auth/refresh/", host: str = HOST) -> Any:
        """Send two refresh cookies."""
        pair = f"{REFRESH}=one; {REFRESH}=two"
        return api.post(url, headers={"Cookie": pair, "Host": host})

    @pytest.mark.req("REQ-34")
    @pytest.mark.parametrize("url", ["/auth/refresh/", "/auth/logout/", "/auth/refresh"])
    def test_they_are_refused(self, api, db, url):
        """Which one is honest cannot be told."""
        answer = self.ambiguous(api, url)
        assert answer.status_code == 400
        assert answer.json()["code"] == "refresh_ambiguous"

    @pytest.mark.req("REQ-34")
    def test_login_refuses_them(self, api, user):
        """The new cookie would stand beside the planted one."""
        credentials = {"username": "ada", "password": PASSWORD}
        headers = {"Cookie": f"{REFRESH}=one; {REFRESH}=two"}
        answer = api.post("/auth/login/", credentials, headers=headers)
        assert answer.json()["code"] == "refresh_ambiguous"
        assert not AuthSession.objects.exists()

    def test_no_query_is_made(self, api, django_assert_num_queries, db):
        """They are refused before anything is looked up."""
        with django_assert_num_queries(0):
            self.ambiguous(api)

    def test_only_parent_domains_are_cleared(self, api, db):
        """Never this host's own cookie, never a public suffix alone."""
        deleted = cookies_of(self.ambiguous(api))
        assert {cookie.domain for cookie in deleted} == {"eu.example.com", "example.com"}
        assert all(cookie.is_deletion and cookie.secure and cookie.httponly for cookie in deleted)
        assert {cookie.name for cookie in deleted} == {REFRESH}

    def test_every_path_that_can_have_come_is_cleared(self, api, db):
        """A cookie is deleted under the path it was set with, and the request does not tell."""
        deleted = cookies_of(self.ambiguous(api))
        assert {cookie.path for cookie in deleted} == {
            *("/", "/auth", "/auth/", "/auth/refresh", "/auth/refresh/")
        }

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "testserver"])
    def test_a_host_without_parents_clears_nothing(self, api, db, host):
        """No sibling, so nothing to clear."""
        answer = self.ambiguous(api, host=host)
        assert answer.json()["code"] == "refresh_ambiguous"
        assert cookies_of(answer) == []

    def test_a_host_that_is_not_allowed_clears_nothing(self, rf, settings):
        """The name of such a host is the sender's word."""
        settings.ALLOWED_HOSTS = ["testserver"]
        response = HttpResponse()
        request = rf.post("/auth/refresh/", headers={"Host": "a.evil.example"})
        cookies.clear_planted_cookies(request, response)
        assert cookies_of(response) == []

    def test_deletions_are_bounded(self, rf):
        """However long the name and the path: an answer's headers must fit a proxy's buffer."""
        host = ".".join("abcdefghijklmnop") + ".example.com"
        request = rf.post("/1/2/3/4/5/6/7/8/refresh/", headers={"Host": host})
        response = HttpResponse()
        cookies.clear_planted_cookies(request, response)
        assert len(cookies_of(response)) == 45

    def test_samesite_may_be_left_out(self, rf, settings):
        """A cookie that is set without SameSite is deleted without it."""
        settings.TOKENAUTH_REFRESH_COOKIE_SAMESITE = None
        settings.TOKENAUTH_REFRESH_COOKIE_SECURE = False
        response = HttpResponse()
        cookies.clear_planted_cookies(rf.post("/auth/", headers={"Host": self.HOST}), response)
        assert {(cookie.samesite, cookie.secure) for cookie in cookies_of(response)} == {
            (None, False)
        }

    @pytest.mark.parametrize("planted_path", ["/", "/auth", "/auth/", "/auth/refresh"])
    def test_a_browser_heals(self, clock, user, planted_path):
        """The planted cookie goes, the honest one stays, and the next refresh succeeds."""
        jar = Jar(self.HOST, clock)
        tab = Tab(jar)
        tab.post("/auth/login/", {"username": "ada", "password": PASSWORD})
        planted = parse(f"{REFRESH}=evil; Path={planted_path}; Domain=example.com; Secure")
        assert jar.take(planted, host="blog.example.com")
        assert jar.header("/auth/refresh/").count(REFRESH) == 2
        assert tab.post("/auth/refresh/").status_code == 400
        assert tab.post("/auth/refresh/").status_code == 200

    def test_the_host_prefix_cannot_be_planted(self, clock, user, settings):
        """Where siblings are not trusted: with the path ``/`` a browser refuses theirs."""
        settings.TOKENAUTH_REFRESH_COOKIE_PATH = "/"
        jar = Jar(self.HOST, clock)
        Tab(jar).post("/auth/login/", {"username": "ada", "password": PASSWORD})
        planted = parse(f"{HOST_REFRESH}=evil; Path=/; Domain=example.com; Secure; HttpOnly")
        assert not jar.take(planted, host="blog.example.com")
        assert Tab(jar).post("/auth/refresh/").status_code == 200

    def test_reading_two_raises(self, rf):
        """The reader says so, instead of taking the last one as Django does."""
        request = rf.post("/", headers={"Cookie": f"{REFRESH}=one; a=b;{REFRESH}=two"})
        with pytest.raises(AmbiguousCookie):
            cookies.read_refresh_cookie(request)

    def test_ending_takes_them_all(self, rf):
        """To end sessions, never to authenticate, both are read."""
        request = rf.post("/", headers={"Cookie": f"{REFRESH}=one; {REFRESH}=two"})
        assert cookies.presented_tokens(request) == (["one", "two"], [])


class TestHeaders:
    """The Cookie header is anybody's word."""

    @pytest.mark.req("REQ-85")
    @pytest.mark.parametrize(
        "value",
        [
            "",
            ";;;",
            "=",
            "a",
            REFRESH,
            f"{REFRESH}=\xff\xfe",
            f"{REFRESH}=a=b=c",
            f'{REFRESH}="quoted"',
            f"{REFRESH}=" + "x" * 9000,
            f"  {REFRESH}  =  x  ",
        ],
    )
    def test_whatever_it_is_refresh_is_a_401(self, api, db, value):
        """No spelling of it is an error of the server."""
        answer = api.post("/auth/refresh/", headers={"Cookie": value})
        assert answer.status_code == 401
        assert answer.json()["code"] in {"refresh_missing", "refresh_invalid"}
