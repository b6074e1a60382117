"""Who a page thinks is asking, what that costs, and what the middleware writes afterwards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, connection, connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.views.decorators.vary import vary_on_headers
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.conftest import PASSWORD
from tests.jar import cookies_of
from tokenauth.middleware import TokenAuthMiddleware
from tokenauth.models import AuthSession
from tokenauth.sessions import revoke_user_sessions, start_session

ACCESS = "__Host-Http-tokenauth-access"
pytestmark = pytest.mark.urls("tests.pages")


@pytest.fixture(autouse=True)
def _access_cookie(settings: Any) -> None:
    settings.TOKENAUTH_ACCESS_COOKIE = True


@pytest.fixture
def page(clock: Any, user: Any) -> Client:
    """Ada's browser, with her access cookie and no other."""
    client = Client(raise_request_exception=False)
    client.cookies[ACCESS] = start_session(user).access
    return client


def as_django_user(client: Client, user: Any) -> None:
    """Log in to Django's own session as well."""
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")


class TestLaziness:
    def test_without_our_cookie_nothing_is_read(self, db, client, django_assert_num_queries):
        """No query, no Vary; there is no session."""
        with django_assert_num_queries(0):
            answer = client.get("/ask-session")
        assert answer.json() == {"sid": None}
        assert "Vary" not in answer

    def test_nobody_asks_nothing_is_read(self, page, django_assert_num_queries):
        """Our cookie alone costs no query and makes no answer vary."""
        with django_assert_num_queries(0):
            answer = page.get("/ignore")
        assert "Vary" not in answer

    def test_nobody_asks_beside_a_django_session(self, page, staff, django_assert_num_queries):
        """Nor is Django's own session looked up for us."""
        as_django_user(page, staff)
        with django_assert_num_queries(0):
            page.get("/ignore")

    @pytest.mark.parametrize("url", ["/ask", "/ask-session"])
    def test_one_query_when_somebody_asks(self, page, django_assert_num_queries, url):
        """User and session come together, however often they are asked for."""
        page.get(url)  # the first use is recorded by a query of its own
        with django_assert_num_queries(1):
            answer = page.get(url)
        assert "Cookie" in answer["Vary"]

    def test_vary_is_added_to_what_is_there(self, user, rf, clock):
        """By the middleware itself, also in a project without Django's sessions."""

        @vary_on_headers("Accept")
        def view(request: Any) -> HttpResponse:
            return HttpResponse(request.user.get_username())

        request = rf.get("/", headers={"Cookie": f"{ACCESS}={start_session(user).access}"})
        response = TokenAuthMiddleware(view)(request)
        assert response.content == b"ada"
        assert response["Vary"] == "Accept, Cookie"

    def test_a_cookie_that_authenticates_nobody_varies_too(self, page):
        """The answer to the next cookie would be another one."""
        page.cookies[ACCESS] = "garbage"
        assert "Cookie" in page.get("/ask")["Vary"]


class TestPrecedence:
    """Authorization > a Django session that authenticated somebody > access cookie > anonymous."""

    def test_the_cookie_authenticates_pages(self, page, user):
        """User and session are set together."""
        sid = str(AuthSession.objects.get().pk)
        assert page.get("/ask").json() == {"username": "ada", "sid": sid}

    def test_the_cookie_authenticates_drf_views(self, page, user):
        """Without the view knowing."""
        assert page.get("/api/whoami").json() == {"username": "ada"}

    def test_a_django_session_comes_first(self, page, staff):
        """Its user, and no session of ours."""
        as_django_user(page, staff)
        assert page.get("/ask").json() == {"username": "root", "sid": None}

    def test_a_django_session_of_nobody_does_not(self, page):
        """A session that only remembers a basket authenticates nobody."""
        store = page.session
        store["basket"] = 1
        store.save()
        assert page.get("/ask").json()["username"] == "ada"

    def test_a_header_comes_before_a_django_session(self, page, staff, app):
        """In DRF's views."""
        as_django_user(page, staff)
        headers = {"Authorization": f"Bearer {app.access}"}
        assert page.get("/api/whoami", headers=headers).json() == {"username": "ada"}

    @pytest.mark.req("REQ-84")
    @pytest.mark.parametrize("header", ["Bearer garbage", "Basic YTpi", "", "Token x"])
    def test_a_header_is_used_alone(self, page, header, django_assert_num_queries):
        """A page beside which a header was sent is nobody's: the cookie is not tried."""
        headers = {"Authorization": header}
        with django_assert_num_queries(0):
            assert page.get("/ask", headers=headers).json() == {"username": "", "sid": None}
        assert page.get("/api/whoami", headers=headers).status_code == 401

    def test_without_django_s_middleware_there_is_still_somebody(self, rf):
        """request.user is anonymous, never missing."""
        seen = []

        def view(request: Any) -> HttpResponse:
            seen.append(request.user)
            return HttpResponse(request.user.get_username())

        TokenAuthMiddleware(view)(rf.get("/", headers={"Cookie": f"{ACCESS}=garbage"}))
        assert isinstance(seen[0], AnonymousUser)


def _set_password(user: Any) -> None:
    user.set_password("changed")
    user.save()


class TestCookieThatIsNotAccepted:
    @pytest.mark.req("REQ-85")
    @pytest.mark.parametrize(
        "value",
        [
            *("", '""', "garbage", "a.b.c", "...", "x" * 9000, "\xff\xfe", "a=b", "null"),
            "eyJhbGciOiJub25lIn0.e30.",
        ],
        ids=lambda value: repr(value[:30]),
    )
    def test_unreadable_is_anonymous(self, page, value, django_assert_num_queries):
        """Never a 500, never somebody else, and no query."""
        with django_assert_num_queries(0):
            answer = page.get("/ask", headers={"Cookie": f"{ACCESS}={value}"})
        assert answer.status_code == 200
        assert answer.json() == {"username": "", "sid": None}

    @pytest.mark.req("REQ-85")
    def test_expired_is_anonymous(self, page, clock):
        """At ``exp``, to the second."""
        clock.advance(minutes=5, seconds=-1)
        assert page.get("/ask").json()["username"] == "ada"
        clock.advance(seconds=1)
        assert page.get("/ask").json() == {"username": "", "sid": None}

    @pytest.mark.req("REQ-85")
    @pytest.mark.parametrize(
        "end",
        [
            lambda user: revoke_user_sessions(user, reason="admin"),
            lambda user: get_user_model().objects.filter(pk=user.pk).update(is_active=False),
            lambda user: get_user_model().objects.filter(pk=user.pk).update(password="x"),
            _set_password,
            lambda user: user.delete(),
            lambda user: AuthSession.objects.all().delete(),
            lambda user: AuthSession.objects.update(floor=1),
        ],
        ids=["revoked", "inactive", "hash", "password", "deleted", "pruned", "floor"],
    )
    def test_of_an_ended_session_is_anonymous(self, page, user, end):
        """Whatever ended it, at once; in DRF's views a 401."""
        assert page.get("/ask").json()["username"] == "ada"
        end(user)
        assert page.get("/ask").json() == {"username": "", "sid": None}
        assert page.get("/api/whoami").status_code == 401

    @pytest.mark.req("REQ-85")
    @given(text=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80))
    @hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def test_any_text_is_anonymous(self, db, text):
        """Whatever the header says, the page is served."""
        client = Client()
        answer = client.get("/ask", headers={"Cookie": f"{ACCESS}={text}"})
        assert answer.json() == {"username": "", "sid": None}

    @pytest.mark.req("REQ-85")
    def test_one_other_character_is_anonymous(self, page):
        """Anywhere in the token."""
        token = page.cookies[ACCESS].value
        for place in range(0, len(token), 7):
            other = "A" if token[place] != "A" else "B"
            changed = token[:place] + other + token[place + 1 :]
            answer = page.get("/ask", headers={"Cookie": f"{ACCESS}={changed}"})
            assert answer.json() == {"username": "", "sid": None}

    @pytest.mark.req("REQ-85")
    def test_no_thread_sees_another_s_user(self, transactional_db):
        """Six users in six threads, each with the same middleware."""
        users = [
            get_user_model().objects.create_user(f"user{n}", password=PASSWORD) for n in range(6)
        ]
        tokens = {user.username: start_session(user).access for user in users}

        def visit(username: str) -> set[str]:
            client = Client()
            client.cookies[ACCESS] = tokens[username]
            try:
                return {client.get("/ask").json()["username"] for _ in range(10)}
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(visit, tokens)) == [{username} for username in tokens]


class TestFirstUse:
    """A page that the access cookie opened shows that its generation arrived."""

    def confirmed(self) -> int:
        """Return what the row says."""
        return AuthSession.objects.get().confirmed_generation

    def test_is_recorded_once(self, page, django_assert_num_queries):
        """By one more query, after the first page only."""
        with django_assert_num_queries(2):
            page.get("/ask")
        assert self.confirmed() == 0
        with django_assert_num_queries(1):
            page.get("/ask")

    def test_is_not_recorded_for_a_page_that_asks_nothing(self, page):
        """Nobody has verified the token."""
        page.get("/ignore")
        assert self.confirmed() == -1

    def test_survives_the_view_s_rollback(self, page, monkeypatch):
        """Under ATOMIC_REQUESTS it is written after the view's transaction."""
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", 1)
        assert page.get("/boom").status_code == 500
        assert self.confirmed() == 0

    @pytest.mark.parametrize("error", [OperationalError, InterfaceError])
    def test_that_cannot_be_recorded_harms_nothing(self, transactional_db, page, error):
        """The page is served, and the next use records it."""

        def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if sql.startswith("UPDATE"):
                raise error
            return execute(sql, *rest)

        with connection.execute_wrapper(refuse):
            assert page.get("/ask").json()["username"] == "ada"
        assert self.confirmed() == -1
        page.get("/ask")
        assert self.confirmed() == 0

    def test_by_a_header_is_recorded_too(self, page, app, user):
        """An API request says as much as a page."""
        page.get("/api/whoami", headers={"Authorization": f"Bearer {app.access}"})
        assert AuthSession.objects.get(client="app").confirmed_generation == 0


class TestDecorators:
    def test_login_required(self, page, client):
        """Django's own decorator, by the cookie."""
        assert page.get("/private").json()["username"] == "ada"
        assert client.get("/private").status_code == 302

    def test_login_required_middleware(self, page, client, settings):
        """Django's own middleware, behind ours."""
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ]
        assert page.get("/ask").json()["username"] == "ada"
        assert client.get("/ask").status_code == 302
        assert client.get("/ignore").status_code == 200


class TestStart:
    def test_a_wrong_setting_stops_the_server(self, monkeypatch):
        """Checks do not run under gunicorn or uvicorn: the middleware runs them."""
        from django.core import checks  # noqa: PLC0415 - the registry is what is tested

        def broken(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
            return [
                checks.Error("no", id="tokenauth.E999"),
                checks.Warning("hm", id="tokenauth.W999"),
            ]

        checks.register(broken, "tokenauth")
        try:
            with pytest.raises(ImproperlyConfigured, match=r"tokenauth\.E999") as refused:
                TokenAuthMiddleware(lambda request: HttpResponse())
        finally:
            checks.registry.registry.registered_checks.discard(broken)
        assert "W999" not in str(refused.value)

    def test_a_silenced_error_does_not(self, settings):
        """``SILENCED_SYSTEM_CHECKS`` is the project's word."""
        from django.core import checks  # noqa: PLC0415 - the registry is what is tested

        def broken(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
            return [checks.Error("no", id="tokenauth.E999")]

        settings.SILENCED_SYSTEM_CHECKS = ["tokenauth.E999"]
        checks.register(broken, "tokenauth")
        try:
            assert not TokenAuthMiddleware(lambda request: HttpResponse()).is_async
        finally:
            checks.registry.registry.registered_checks.discard(broken)


class TestDeferredCookies:
    def test_nothing_is_written_unasked(self, page):
        """A page that logs nobody in or out sets no cookie."""
        assert cookies_of(page.get("/ask")) == []

    def test_the_view_s_own_cookies_stay(self, user):
        """Ours come beside them."""
        request = RequestFactory().get("/")

        def view(request: Any) -> HttpResponse:
            import tokenauth  # noqa: PLC0415 - as a project does

            tokenauth.login(request, user)
            response = HttpResponse()
            response.set_cookie("theirs", "1")
            return response

        response = TokenAuthMiddleware(view)(request)
        assert [cookie.name for cookie in cookies_of(response)] == [
            *("theirs", "__Secure-tokenauth-refresh", ACCESS)
        ]


class TestWithoutToken:
    def test_a_project_s_view_answers_in_the_contract_s_form(self, db, client):
        """DRF's own handler shows the words; the code is added before they are rendered."""
        answer = client.get("/api/whoami")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.json().keys() == {"detail", "code"}
        assert answer.json()["code"] == "not_authenticated"

    def test_a_template_is_none_of_ours(self, db, client):
        """Other answers that are rendered late pass."""
        assert client.get("/admin/login/").status_code == 200
