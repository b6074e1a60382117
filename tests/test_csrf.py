"""What proves that a request comes from the site itself, and what a request without proof does."""

from typing import Any

import pytest
from django.test import RequestFactory

from tests.conftest import PASSWORD
from tests.jar import cookies_of
from tokenauth import csrf
from tokenauth.models import AuthEvent, AuthSession

pytestmark = pytest.mark.any_database

REFRESH = "__Secure-tokenauth-refresh"
ACCESS = "__Host-Http-tokenauth-access"
SELF = "https://testserver"
XHR = {"X-Requested-With": "fetch"}
TRUSTED = ["https://spa.example.com", "https://*.trusted.example", "https://*.ports.example:8443"]


def is_proved(headers: dict[str, str], **extra: Any) -> bool:
    """Ask about an https request with these headers."""
    return csrf.is_proved(RequestFactory().post("/", secure=True, headers=headers, **extra))


def login(api: Any, headers: dict[str, str], **more: Any) -> Any:
    """Log Ada in with these headers."""
    credentials = {"username": "ada", "password": PASSWORD, **more}
    return api.post("/auth/login/", credentials, headers=headers)


def state() -> list[Any]:
    """Return everything that a request could have changed."""
    return [*AuthSession.objects.order_by("pk").values(), AuthEvent.objects.count()]


@pytest.fixture
def strict_browser(clock, user, new_api, settings) -> Any:
    """Ada's browser, whose requests are checked, 40 s after its login; with an access cookie."""
    settings.TOKENAUTH_ACCESS_COOKIE = True
    api = new_api(enforce_csrf_checks=True)
    api.access = login(api, {"Sec-Fetch-Site": "same-origin"}).json()["access"]
    clock.advance(seconds=40)
    return api


class TestFetchMetadata:
    """The browser itself says where a request comes from; no page can change it."""

    @pytest.mark.req("REQ-80")
    @pytest.mark.parametrize(
        ("site", "proved"),
        [
            ("same-origin", True),
            ("same-site", False),
            ("cross-site", False),
            ("none", False),
            ("", False),
            ("Same-Origin", False),
            ("same-origin, cross-site", False),
        ],
    )
    def test_only_same_origin_proves(self, site, proved):
        """Spelled exactly so; any other value needs a good Origin."""
        assert is_proved({"Sec-Fetch-Site": site}) is proved
        assert is_proved({"Sec-Fetch-Site": site, "Origin": SELF}) is True

    @pytest.mark.req("REQ-80")
    @pytest.mark.parametrize("site", ["same-site", "cross-site", "none"])
    def test_a_header_of_its_own_does_not_help(self, site):
        """X-Requested-With counts only where the browser says nothing at all."""
        assert is_proved({"Sec-Fetch-Site": site, **XHR}) is False

    @pytest.mark.parametrize("site", ["same-site", "cross-site"])
    def test_a_trusted_origin_is_let_in(self, site, settings):
        """That is what CSRF_TRUSTED_ORIGINS says."""
        settings.CSRF_TRUSTED_ORIGINS = TRUSTED
        assert is_proved({"Sec-Fetch-Site": site, "Origin": TRUSTED[0]}) is True


class TestOrigin:
    @pytest.mark.req("REQ-81")
    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "",
            "https://evil.example",
            "http://testserver",
            "https://testserver:8443",
            "https://testserver:443",
            "https://testserver.evil.example",
            "https://eviltestserver",
            "https://testserver@evil.example",
            "https://testserver/",
            "https://testserver/path",
            "https://TESTSERVER",
            "https://testserver https://evil.example",
            "testserver",
            "//testserver",
            "https://",
            "https://[::1",
            "https://*",
            "*",
            "file://",
        ],
    )
    def test_another_origin_is_refused(self, origin, settings):
        """Another scheme, port, look-alike, list, path, or none of a kind that can be read."""
        settings.CSRF_TRUSTED_ORIGINS = TRUSTED
        assert is_proved({"Origin": origin}) is False
        assert is_proved({"Origin": origin, **XHR}) is False

    @pytest.mark.req("REQ-81")
    def test_the_own_origin_is_good(self):
        """Scheme, host and port are those of the request."""
        assert is_proved({"Origin": SELF})
        assert is_proved({"Origin": "https://testserver:8443"}, SERVER_PORT="8443")
        plain = RequestFactory().post("/", headers={"Origin": "http://testserver"})
        assert csrf.is_proved(plain)

    @pytest.mark.parametrize(
        ("origin", "good"),
        [
            ("https://spa.example.com", True),
            ("https://spa.example.com:8443", False),
            ("http://spa.example.com", False),
            ("https://x.spa.example.com", False),
            ("https://a.trusted.example", True),
            ("https://a.b.trusted.example", True),
            ("https://trusted.example", True),
            ("http://a.trusted.example", False),
            ("https://a.trusted.example:8443", False),
            ("https://eviltrusted.example", False),
            ("https://a.trusted.example.evil.example", False),
            ("https://a.ports.example:8443", True),
            ("https://a.ports.example", False),
            ("https://*.trusted.example.evil", False),
        ],
    )
    @pytest.mark.req("REQ-81")
    def test_trusted_origins_follow_django(self, origin, good, settings):
        """Exact entries and wildcards, as Django's own middleware takes them."""
        settings.CSRF_TRUSTED_ORIGINS = TRUSTED
        assert is_proved({"Origin": origin}) is good

    def test_the_text_of_a_wildcard_is_no_origin(self, settings):
        """The entry itself, sent as an Origin, names no host."""
        settings.CSRF_TRUSTED_ORIGINS = ["https://*.trusted.example"]
        assert is_proved({"Origin": "https://*.trusted.example.evil"}) is False

    def test_a_host_that_is_not_allowed_has_no_origin(self):
        """A Host that is the sender's word cannot make an Origin good."""
        assert is_proved({"Host": "evil.example", "Origin": "https://evil.example"}) is False

    def test_behind_a_proxy_the_scheme_is_the_outer_one(self, settings):
        """``SECURE_PROXY_SSL_HEADER`` decides, as everywhere in Django."""
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        headers = {"X-Forwarded-Proto": "https", "Origin": SELF, "Host": "testserver"}
        assert csrf.is_proved(RequestFactory().post("/", headers=headers))


class TestNeitherHeader:
    @pytest.mark.req("REQ-81", "REQ-82")
    def test_a_header_that_a_form_cannot_add_is_needed(self):
        """Any value of X-Requested-With, the empty one too."""
        assert is_proved({}) is False
        assert is_proved(XHR) is True
        assert is_proved({"X-Requested-With": ""}) is True

    def test_test_clients_need_nothing(self):
        """The switch that Django's own check honours."""
        request = RequestFactory().post("/")
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # Django's
        assert csrf.is_proved(request)


# Every header set that a page of another site, or a form of an old browser, can cause.
FORGED = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://blog.testserver"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {},
]


@pytest.mark.parametrize("headers", FORGED, ids=str)
class TestForgedRequests:
    @pytest.mark.req("REQ-80", "REQ-81")
    @pytest.mark.parametrize("url", ["/auth/refresh/", "/auth/refresh", "/auth/logout/"])
    def test_change_nothing(self, strict_browser, headers, url):
        """403, no cookie, and the same rows as before."""
        before = state()
        answer = strict_browser.post(url, bearer=False, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "csrf_failed"
        assert answer["Cache-Control"] == "no-store"
        assert cookies_of(answer) == []
        assert state() == before

    @pytest.mark.req("REQ-80")
    @pytest.mark.parametrize("url", ["/auth/refresh/", "/auth/logout/"])
    def test_change_nothing_by_the_refresh_cookie_alone(self, strict_browser, headers, url):
        """Also in a project without the access cookie."""
        before = state()
        cookie = f"{REFRESH}={strict_browser.http.cookies[REFRESH].value}"
        answer = strict_browser.post(url, bearer=False, headers={**headers, "Cookie": cookie})
        assert answer.json()["code"] == "csrf_failed"
        assert state() == before

    @pytest.mark.req("REQ-82")
    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
    def test_are_refused_without_a_body_too(self, strict_browser, headers, content_type):
        """An empty POST with the cookie is as good as any other."""
        before = state()
        answer = strict_browser.http.post(
            "/auth/logout/", b"", content_type=content_type, headers=headers
        )
        assert answer.status_code in {403, 415}
        assert state() == before

    @pytest.mark.req("REQ-86")
    def test_do_not_log_anybody_in(self, new_api, user, headers):
        """Somebody else's credentials, sent by another site, set no cookie."""
        api = new_api(enforce_csrf_checks=True)
        answer = login(api, headers)
        assert answer.json()["code"] == "csrf_failed"
        assert cookies_of(answer) == []
        assert not AuthSession.objects.exists()

    @pytest.mark.req("REQ-86")
    def test_a_form_logs_nobody_in(self, new_api, user, headers):
        """What a form can send is not JSON."""
        api = new_api(enforce_csrf_checks=True)
        form = {"username": "ada", "password": PASSWORD}
        answer = api.http.post("/auth/login/", form, headers=headers)
        assert answer.status_code in {403, 415}
        assert cookies_of(answer) == []

    @pytest.mark.req("REQ-82", "REQ-84")
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_the_access_cookie_opens_no_unsafe_method(self, strict_browser, headers, method):
        """Whatever the view: it does not run."""
        answer = strict_browser.request(method, "/page", {}, bearer=False, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "csrf_failed"

    @pytest.mark.req("REQ-80", "REQ-84")
    @pytest.mark.parametrize("bearer", [True, False])
    def test_step_nobody_up(self, strict_browser, headers, bearer):
        """By the access cookie, or by the header of a session whose cookie it would set."""
        before = state()
        data = {"password": PASSWORD}
        answer = strict_browser.post("/auth/reauthenticate/", data, bearer=bearer, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "csrf_failed"
        assert cookies_of(answer) == []
        assert state() == before

    def test_safe_methods_are_not_asked(self, strict_browser, headers):
        """A link from another site still opens a page; SameSite=Lax decides for the browser."""
        answer = strict_browser.get("/page", bearer=False, headers=headers)
        assert answer.json() == {"username": "ada"}

    @pytest.mark.req("REQ-84")
    def test_a_token_in_the_header_needs_no_proof(self, strict_browser, headers):
        """No page can make a browser send it."""
        answer = strict_browser.post("/api/whoami", headers=headers)
        assert answer.status_code == 200

    @pytest.mark.req("REQ-84")
    def test_body_clients_need_nothing(self, new_api, clock, user, headers):
        """Login, refresh, logout without cookies: there is nothing to forge."""
        api = new_api(enforce_csrf_checks=True)
        answer = login(api, headers, client="app")
        api.refresh_token = answer.json()["refresh"]
        clock.advance(seconds=40)
        assert api.refresh(headers=headers).status_code == 200
        assert api.logout(headers=headers).status_code == 204


class TestAccessCookie:
    @pytest.mark.req("REQ-84")
    @pytest.mark.parametrize(
        "headers",
        [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, XHR],
        ids=str,
    )
    def test_with_proof_it_authenticates_unsafe_methods(self, strict_browser, headers):
        """In DRF's views as in the project's."""
        answer = strict_browser.post("/api/whoami", bearer=False, headers=headers)
        assert answer.json() == {"username": "ada"}

    @pytest.mark.req("REQ-84")
    def test_a_header_beside_it_is_used_alone(self, strict_browser):
        """A bad header is a 401, though the cookie is good; the cookie is not asked for proof."""
        headers = {"Authorization": "Bearer garbage", "Sec-Fetch-Site": "cross-site"}
        answer = strict_browser.post("/api/whoami", bearer=False, headers=headers)
        assert answer.status_code == 401

    def test_one_that_proves_nothing_is_not_asked(self, strict_browser, clock):
        """An expired or forged cookie authenticates nobody: what follows decides."""
        clock.advance(minutes=6)
        strict_browser.http.cookies[REFRESH] = ""
        answer = strict_browser.post("/auth/logout/", bearer=False, headers={"Origin": "null"})
        assert answer.status_code == 403
        strict_browser.http.cookies[ACCESS] = "garbage"
        answer = strict_browser.http.post("/page", headers={"Origin": "null"})
        assert answer.status_code == 403
        assert "text/html" in answer["Content-Type"]  # Django's own check, not ours


class TestSafeMethods:
    @pytest.mark.req("REQ-80")
    @pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
    @pytest.mark.parametrize(
        "url", ["/auth/refresh/", "/auth/logout/", "/auth/login/", "/auth/reauthenticate/"]
    )
    def test_only_post_does_anything(self, strict_browser, method, url):
        """405, nothing rotates, and no cookie is touched."""
        before = state()
        headers = {"Sec-Fetch-Site": "same-origin"}
        answer = strict_browser.request(method, url, bearer=False, headers=headers)
        assert answer.status_code == 405
        assert cookies_of(answer) == []
        assert state() == before


class TestCors:
    @pytest.mark.req("REQ-83")
    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://spa.example.com"])
    @pytest.mark.parametrize("url", ["/auth/login/", "/auth/refresh/", "/auth/me/", "/page"])
    def test_no_answer_opens_itself(self, strict_browser, settings, origin, url):
        """Preflight and request: CORS is the project's to configure, so we send none of it."""
        settings.CSRF_TRUSTED_ORIGINS = TRUSTED
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answers = [
            strict_browser.request("options", url, headers=preflight),
            strict_browser.post(url, headers={"Origin": origin}),
            strict_browser.get(url, headers={"Origin": origin}),
        ]
        names = {name.lower() for answer in answers for name, _ in answer.items()}
        assert not {name for name in names if name.startswith("access-control-")}
