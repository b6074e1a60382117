"""The same under ASGI: real async views, Django's async client, and the handler itself."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.test import AsyncClient

from tests.jar import cookies_of, parse
from tokenauth.middleware import TokenAuthMiddleware
from tokenauth.models import AuthSession
from tokenauth.sessions import start_session

REFRESH = "__Secure-tokenauth-refresh"
ACCESS = "__Host-Http-tokenauth-access"
pytestmark = pytest.mark.urls("tests.pages")


@pytest.fixture(autouse=True)
def _access_cookie(settings: Any) -> None:
    settings.TOKENAUTH_ACCESS_COOKIE = True


@pytest.fixture
def page(clock: Any, user: Any) -> AsyncClient:
    """Ada's browser, with her access cookie and no other."""
    client = AsyncClient(raise_request_exception=False)
    client.cookies[ACCESS] = start_session(user).access
    return client


def get(client: AsyncClient, url: str, **extra: Any) -> Any:
    """GET."""
    return async_to_sync(client.get)(url, **extra)


def post(client: AsyncClient, url: str, **extra: Any) -> Any:
    """POST."""
    return async_to_sync(client.post)(url, **extra)


@pytest.mark.parametrize("url", ["/async/ask", "/ask"])
class TestWho:
    """By an async view, and by a sync one under the async handler."""

    def test_the_cookie_authenticates(self, page, url):
        """User and session."""
        sid = str(AuthSession.objects.get().pk)
        assert get(page, url).json() == {"username": "ada", "sid": sid}

    def test_one_query_when_asked(self, page, url, django_assert_num_queries):
        """One more the first time, for the first use."""
        with django_assert_num_queries(2):
            get(page, url)
        with django_assert_num_queries(1):
            get(page, url)

    def test_first_use_is_recorded(self, page, url):
        """After the view, in a thread that may talk to the database."""
        get(page, url)
        assert AuthSession.objects.get().confirmed_generation == 0

    def test_a_django_session_comes_first(self, page, staff, url):
        """And is looked up when asked for, never in the event loop."""
        page.force_login(staff)
        assert get(page, url).json() == {"username": "root", "sid": None}

    def test_a_django_session_of_nobody_does_not(self, page, url):
        """A dead Django session beside our cookie."""
        page.cookies["sessionid"] = "dead"
        assert get(page, url).json()["username"] == "ada"

    @pytest.mark.req("REQ-85")
    @pytest.mark.parametrize("value", ["garbage", "", "a.b.c", "\xff", "x" * 9000])
    def test_unreadable_is_anonymous(self, page, url, value):
        """Never a 500."""
        page.cookies[ACCESS] = value
        assert get(page, url).json() == {"username": "", "sid": None}

    def test_expired_is_anonymous(self, page, clock, url):
        """At ``exp``."""
        clock.advance(minutes=5)
        assert get(page, url).json() == {"username": "", "sid": None}


class TestLaziness:
    @pytest.mark.parametrize("url", ["/async/ignore", "/ignore"])
    def test_nobody_asks(self, page, staff, url, django_assert_num_queries):
        """No query and no Vary, beside a Django session as well."""
        page.force_login(staff)
        with django_assert_num_queries(0):
            answer = get(page, url)
        assert answer.status_code == 200
        assert "Vary" not in answer

    def test_no_cookie(self, db, django_assert_num_queries):
        """Nothing is read."""
        with django_assert_num_queries(0):
            assert get(AsyncClient(), "/ask-session").json() == {"sid": None}


class TestCsrf:
    @pytest.mark.req("REQ-84")
    def test_a_forged_request_does_not_reach_the_view(self, page):
        """The same check as under WSGI."""
        strict = AsyncClient(enforce_csrf_checks=True)
        strict.cookies[ACCESS] = page.cookies[ACCESS].value
        answer = post(strict, "/async/out", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert answer.json()["code"] == "csrf_failed"
        assert AuthSession.objects.get().revoked_at is None


class TestShortcuts:
    def test_alogin_sets_the_cookies(self, user):
        """On the async view's answer; the request knows its user."""
        client = AsyncClient()
        answer = post(client, "/async/in?user=ada")
        assert answer.json()["username"] == "ada"
        assert [cookie.name for cookie in cookies_of(answer)] == [REFRESH, ACCESS]
        assert get(client, "/async/ask").json()["username"] == "ada"

    def test_alogout_clears_them(self, page):
        """The session is ended, and the request is nobody's."""
        answer = post(page, "/async/out")
        assert answer.json() == {"username": "", "sid": None, "ended": 1}
        assert all(cookie.is_deletion for cookie in cookies_of(answer))
        assert get(page, "/async/ask").json()["username"] == ""

    def test_astep_up_renews_the_cookies(self, page, user):
        """And the session is proved as the view says."""
        answer = post(page, "/async/step-up")
        assert [cookie.name for cookie in cookies_of(answer)] == [REFRESH, ACCESS]
        assert get(page, "/async/ask").json()["username"] == "ada"
        assert AuthSession.objects.get(floor=2).amr == ["pwd", "otp"]

    def test_aupdate_session_auth_hash_keeps_the_session(self, page, app):
        """New cookies here, and the other device is out."""
        answer = post(page, "/async/password")
        assert [cookie.name for cookie in cookies_of(answer)] == [REFRESH, ACCESS]
        assert get(page, "/async/ask").json()["username"] == "ada"
        assert app.whoami().status_code == 401

    def test_sync_views_too(self, user):
        """A sync view under the async handler logs in and out."""
        client = AsyncClient()
        assert len(cookies_of(post(client, "/in?user=ada"))) == 2
        assert all(cookie.is_deletion for cookie in cookies_of(post(client, "/out")))

    def test_in_a_test_under_atomic_requests(self, user, monkeypatch):
        """Where nothing is ever committed, the cookies appear all the same."""
        from django.db import connections  # noqa: PLC0415 - this test alone

        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", 1)
        client = AsyncClient(raise_request_exception=False)
        assert len(cookies_of(post(client, "/in?user=ada"))) == 2
        assert cookies_of(post(client, "/in?user=ada&undo")) == []


class TestHandler:
    """Django's ASGI handler, by the protocol that servers speak."""

    def ask(self, path: str, cookie: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Send one request, and return status, headers and body."""
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"user=ada",
            "scheme": "https",
            "http_version": "1.1",
            "headers": [(b"host", b"testserver"), (b"cookie", cookie)],
            "server": ("testserver", 443),
        }

        async def talk() -> tuple[int, list[tuple[bytes, bytes]], bytes]:
            served = ApplicationCommunicator(get_asgi_application(), scope)
            await served.send_input({"type": "http.request", "body": b"", "more_body": False})
            start = await served.receive_output(timeout=10)
            body = await served.receive_output(timeout=10)
            await served.wait(timeout=10)
            return start["status"], start["headers"], body["body"]

        return asyncio.run(talk())

    def test_the_cookie_authenticates(self, transactional_db, clock, user):
        """From the raw header to the async view, and the first use is committed."""
        access = start_session(user).access
        status, headers, body = self.ask("/async/ask", f"{ACCESS}={access}".encode())
        assert status == 200
        assert b'"username": "ada"' in body
        assert AuthSession.objects.get().confirmed_generation == 0
        assert any(name == b"Vary" and b"Cookie" in value for name, value in headers)

    def test_login_sets_cookies(self, transactional_db, clock, user):
        """Each a header of its own."""
        _, headers, _ = self.ask("/async/in", b"a=b")
        set_cookies = [parse(value.decode()) for name, value in headers if name == b"Set-Cookie"]
        assert [cookie.name for cookie in set_cookies] == [REFRESH, ACCESS]

    @pytest.mark.req("REQ-85")
    def test_bytes_that_are_no_text(self, transactional_db):
        """Anonymous."""
        status, _, body = self.ask("/async/ask", ACCESS.encode() + b"=\xff\xfe\x80")
        assert (status, b'"username": ""' in body) == (200, True)


class TestWithoutToken:
    def test_a_project_s_view_answers_in_the_contract_s_form(self, db):
        """As under WSGI."""
        answer = get(AsyncClient(), "/api/whoami")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")

    def test_costs_no_thread(self):
        """Django sends a hook that is not async through one, for each answer of DRF."""

        async def view(request: Any) -> HttpResponse:
            return HttpResponse()

        hook = TokenAuthMiddleware(view).process_template_response
        assert iscoroutinefunction(hook)
