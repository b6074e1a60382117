"""The recipe for Python clients, run as it is printed, against the project that is served."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from docs.recipes.httpx_client import LoginRequired, Problem, SessionAuth, Unavailable
from docs.recipes.token_file import TokenFile
from tests import urls
from tests.lossy import Send, expire, lost, spoil
from tests.races import racers
from tokenauth.models import AuthSession
from tokenauth.permissions import RecentlyAuthenticated
from tokenauth.sessions import start_session

WHOAMI = "/api/whoami"
REFRESH = "/auth/refresh/"
OK = (200, {"username": "ada"})


@api_view(["GET"])
@permission_classes([RecentlyAuthenticated(max_age=timedelta(seconds=1))])
def careful(request: Request) -> Response:
    """A view that asks for a recent proof."""
    return Response({})


def elsewhere(request: HttpRequest) -> HttpResponseRedirect:
    """A view that leads to another origin."""
    return HttpResponseRedirect(f"http://127.0.0.1:{request.get_port()}/refusing")


def refusing(request: HttpRequest) -> JsonResponse:
    """A view that refuses every token, and says which it got."""
    got = request.headers.get("Authorization")
    return JsonResponse({"code": "access_invalid", "got": got}, status=401)


urlpatterns = [
    *urls.urlpatterns,
    path("careful", careful),
    path("elsewhere", elsewhere),
    path("refusing", refusing),
]


@pytest.fixture(autouse=True)
def _views(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


class TestLogin:
    def test_the_token_is_stored_and_nothing_shows_it(self, device, asked):
        """The session goes on from the file; no repr has a secret."""
        token = device.store.load()
        assert len(token) == 64
        assert device.whoami() == OK
        assert asked == [WHOAMI]
        access = device.auth._access
        shown = f"{device.auth!r} {device.store!r} {access!r} {vars(device.auth)!r}"
        assert token not in shown
        assert access.token not in shown

    def test_a_wrong_password_says_so(self, new_device, asked):
        """Nothing is stored."""
        device = new_device()
        with pytest.raises(Problem) as caught:
            device.auth.login("ada", "wrong")
        assert (caught.value.status, caught.value.code) == (401, "login_failed")
        assert not isinstance(caught.value, (LoginRequired, Unavailable))
        assert device.store.load() is None

    def test_a_second_one_ends_the_first(self, device):
        """No session is left that nobody knows."""
        session = device.login()
        assert [str(row.pk) for row in AuthSession.objects.filter(revoked_at=None)] == [
            session["sid"]
        ]

    def test_is_not_repeated(self, new_device, asked):
        """Each is a session of its own; the caller decides."""
        device = new_device()
        device.faults += [lost]
        with pytest.raises(Unavailable):
            device.login()
        assert asked == ["/auth/login/"]

    def test_a_session_that_staff_have_started_does_as_well(self, new_device, user):
        """Its refresh token is put into the file."""
        device = new_device()
        device.store.save(start_session(user, client="app").refresh)
        assert device.whoami() == OK

    def test_without_one_it_says_so(self, new_device, asked):
        """No request is made."""
        with pytest.raises(LoginRequired, match="not_logged_in"):
            new_device().whoami()
        assert asked == []

    @pytest.mark.parametrize("url", ["http://api.example.com/auth/", "ftp://localhost.evil/"])
    def test_wants_tls(self, url, tmp_path):
        """Tokens never travel in the open."""
        with pytest.raises(ValueError, match="https"):
            SessionAuth(url, TokenFile(tmp_path / "token"))
        with pytest.raises(ValueError, match="https"):
            SessionAuth("https://a.example/auth/", TokenFile(tmp_path / "t"), origins=[url])


class TestSingleFlight:
    @pytest.mark.parametrize("spend", [expire, spoil])
    def test_32_threads_make_one_refresh(self, device, asked, clock, spend):
        """Whether the client knows that the token is spent, or is told so 32 times."""
        spend(clock, device)
        with racers(32) as threads:
            assert threads.run(device.whoami) == [OK] * 32
        assert asked.count(REFRESH) == 1
        assert AuthSession.objects.get().generation == 1

    @pytest.mark.parametrize("spend", [expire, spoil])
    def test_32_tasks_make_one_refresh(self, device, asked, clock, spend):
        """By an AsyncClient."""
        spend(clock, device)

        async def ask() -> list[int]:
            async with device.async_http() as http:
                answers = await asyncio.gather(*(http.get(WHOAMI) for _ in range(32)))
            return [answer.status_code for answer in answers]

        assert asyncio.run(ask()) == [200] * 32
        assert asked.count(REFRESH) == 1

    def test_behind_a_login_there_is_none(self, device, asked, clock):
        """A renewal that had to wait for a login takes what the login got."""
        expire(clock, device)
        arrived, go = threading.Event(), threading.Event()

        def slow(request: httpx.Request, send: Send) -> httpx.Response:
            arrived.set()
            assert go.wait(20)
            return send(request)

        device.faults += [slow]
        login = threading.Thread(target=device.login)
        login.start()
        assert arrived.wait(20)
        renewal = device.auth._find()
        go.set()
        login.join()
        assert renewal.result(20) == device.auth._access.token
        assert REFRESH not in asked

    def test_a_cancelled_task_leaves_it_alone(self, device, asked, clock):
        """The others get their token, from the same request."""
        expire(clock, device)
        arrived, go = threading.Event(), threading.Event()

        def slow(request: httpx.Request, send: Send) -> httpx.Response:
            arrived.set()
            assert go.wait(20)
            return send(request)

        device.faults += [slow]

        async def ask() -> int:
            async with device.async_http() as http:
                first = asyncio.create_task(http.get(WHOAMI))
                await asyncio.to_thread(arrived.wait, 20)
                second = asyncio.create_task(http.get(WHOAMI))
                first.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await first
                go.set()
                return int((await second).status_code)

        assert asyncio.run(ask()) == 200
        assert asked == [REFRESH, WHOAMI]


class TestRequests:
    def test_it_renews_ahead_and_nobody_waits(self, device, asked, clock):
        """In the last minute the old token is used, while the next one is fetched."""
        clock.advance(minutes=4, seconds=1)
        before = device.auth._access.token
        go = threading.Event()

        def slow(request: httpx.Request, send: Send) -> httpx.Response:
            assert go.wait(20)
            return send(request)

        device.faults += [slow]
        assert device.whoami() == OK
        flight = device.auth._flight
        assert (asked, device.auth._access.token) == ([WHOAMI], before)
        go.set()
        assert flight.result(20) != before
        assert device.whoami() == OK
        assert asked == [WHOAMI, REFRESH, WHOAMI]

    def test_a_refused_token_is_renewed_once(self, device, asked, clock):
        """The second refusal is the answer."""
        assert device.http.get("/refusing").status_code == 401
        assert asked == ["/refusing", REFRESH, "/refusing"]

    def test_other_refusals_are_answers(self, device, asked, clock):
        """Their code says that a new access token would not help."""
        clock.advance(seconds=2)
        answer = device.http.get("/careful")
        assert answer.json()["code"] == "insufficient_user_authentication"
        assert asked == ["/careful"]

    def test_a_body_is_sent_again(self, device, asked, clock):
        """JSON is held in memory."""
        spoil(clock, device)
        assert device.http.post(WHOAMI, json={"a": 1}).status_code == 200
        assert asked == [WHOAMI, REFRESH, WHOAMI]

    def test_a_stream_is_not(self, device, asked, clock):
        """There is no second time for it; the caller sends another, with the next token."""
        spoil(clock, device)
        send = lambda: device.http.post(WHOAMI, content=iter([b"{}"]))  # noqa: E731 - one line
        assert send().json()["code"] == "access_invalid"
        assert asked == [WHOAMI]
        assert device.http.get(WHOAMI).status_code == 200
        assert asked == [WHOAMI, REFRESH, WHOAMI]

    def test_another_origin_gets_no_token(self, device, project_url, new_device):
        """Unless it is named; a redirect to it does not help, nor does what it says."""
        other = project_url.replace("localhost", "127.0.0.1")
        assert device.http.get(f"{other}/refusing").json()["got"] is None
        answer = device.http.get("/elsewhere", follow_redirects=True)
        assert answer.json()["got"] is None
        assert [str(response.url) for response in answer.history] == [f"{project_url}/elsewhere"]
        named = new_device(origins=[other])
        assert named.http.get(f"{other}{WHOAMI}").status_code == 200
