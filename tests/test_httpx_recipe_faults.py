"""The recipe for Python clients on a bad network, and at the end of its session."""

import threading

import httpx
import pytest

from docs.recipes.httpx_client import LoginRequired, Problem, Unavailable
from tests.lossy import Fault, Send, expire, lost, proxy, spoil, unreachable
from tokenauth.models import AuthEvent, AuthSession, EventType
from tokenauth.sessions import revoke_user_sessions, step_up

WHOAMI = "/api/whoami"
REFRESH = "/auth/refresh/"
OK = (200, {"username": "ada"})
NO_ANSWER = [
    pytest.param(lost, id="lost"),
    pytest.param(unreachable, id="unreachable"),
    *(pytest.param(proxy(status), id=str(status)) for status in (200, 500, 502, 503)),
]


class TestLostAnswers:
    @pytest.mark.parametrize("times", [1, 3])
    def test_the_same_question_gets_the_same_answer(self, device, asked, clock, times):
        """It goes on in the same session, and the next refresh is an ordinary one."""
        expire(clock, device)
        device.faults += [lost] * times
        assert device.whoami() == OK
        assert asked == [REFRESH] * (times + 1) + [WHOAMI]
        expire(clock, device)
        assert device.whoami() == OK
        assert AuthSession.objects.get().generation == 2
        assert set(AuthEvent.objects.values_list("type", flat=True)) == {EventType.LOGIN}

    @pytest.mark.parametrize(
        "fault",
        [lost, unreachable, proxy(502), proxy(200), proxy(503)],
        ids=["lost", "unreachable", "502", "200", "503"],
    )
    def test_no_answer_is_no_logout(self, device, clock, fault: Fault):
        """It gives up after twenty seconds, and goes on when the network is back."""
        expire(clock, device)
        device.faults += [fault] * 100
        begun = clock.monotonic()
        with pytest.raises(Unavailable):
            device.whoami()
        assert 10 < clock.monotonic() - begun <= 20
        device.faults.clear()
        assert device.whoami() == OK
        assert AuthSession.objects.get().revoked_at is None

    def test_ahead_of_expiry_it_is_not_even_noticed(self, device, clock):
        """The token is good for some seconds more."""
        clock.advance(minutes=4, seconds=1)
        go = threading.Event()

        def held_up(request: httpx.Request, send: Send) -> httpx.Response:
            assert go.wait(20)
            return unreachable(request, send)

        device.faults += [held_up] * 100
        assert device.whoami() == OK
        flight = device.auth._flight
        go.set()
        with pytest.raises(Unavailable):
            flight.result(20)

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_waits_as_long_as_it_is_told(self, device, clock, status):
        """No longer than it has patience."""
        expire(clock, device)
        device.faults += [proxy(status, Retry_After="7")]
        begun = clock.monotonic()
        assert device.whoami() == OK
        assert clock.monotonic() - begun == 7

        expire(clock, device)
        device.faults += [proxy(status, Retry_After="120")]
        begun = clock.monotonic()
        with pytest.raises(Unavailable) as caught:
            device.whoami()
        assert (clock.monotonic() - begun, caught.value.retry_after) == (0, 120)

    @pytest.mark.parametrize("status", [302, 403, 404, 401])
    def test_a_wrong_address_is_no_logout(self, device, clock, status):
        """Nor is a 401 that somebody else answers."""
        expire(clock, device)
        device.faults += [proxy(status)]
        with pytest.raises(Problem) as caught:
            device.whoami()
        assert type(caught.value) is Problem
        assert device.whoami() == OK

    def test_a_redirect_is_not_followed(self, device, clock, asked, project_url):
        """It would take the refresh token along, to whoever has the other address."""
        expire(clock, device)
        device.faults += [proxy(307, Location=f"{project_url}{REFRESH}")]
        with pytest.raises(Problem):
            device.whoami()
        assert asked == []


class TestEnd:
    def test_it_says_why(self, device, asked, clock, user):
        """And asks again after a minute: keys that were wrong may be right by then."""
        revoke_user_sessions(user, reason="admin")
        for _ in range(3):
            with pytest.raises(LoginRequired) as caught:
                device.whoami()
            assert (caught.value.code, caught.value.reason) == ("session_ended", "revoked")
        assert asked == [WHOAMI, REFRESH]
        clock.advance(seconds=61)
        with pytest.raises(LoginRequired):
            device.whoami()
        assert asked.count(REFRESH) == 2

    def test_a_login_goes_on(self, device, user, clock):
        """The refusal was of another token."""
        revoke_user_sessions(user, reason="admin")
        with pytest.raises(LoginRequired):
            device.whoami()
        device.login()
        spoil(clock, device)
        assert device.whoami() == OK

    def test_superseded_asks_the_store_again(self, device, asked, clock):
        """Another process has stepped up, and stored what it got a moment later."""
        raised = step_up(AuthSession.objects.get(), amr=("pwd",))

        def meanwhile(request: httpx.Request, send: Send) -> httpx.Response:
            device.store.save(raised.refresh)
            return send(request)

        device.faults += [meanwhile]
        assert device.whoami() == OK
        assert asked == [WHOAMI, REFRESH, REFRESH, WHOAMI]

    def test_superseded_for_good_is_the_end(self, device, asked):
        """Nobody has stored another."""
        step_up(AuthSession.objects.get(), amr=("pwd",))
        with pytest.raises(LoginRequired, match="refresh_superseded"):
            device.whoami()
        assert asked == [WHOAMI, REFRESH]

    def test_logout_ends_it_everywhere(self, device, new_device, asked):
        """At the server, in the file, in memory, and for another process at its next request."""
        other = new_device()
        assert other.whoami() == OK
        device.auth.logout()
        assert AuthSession.objects.get().revoked_reason == "logout"
        assert device.store.load() is None
        asked.clear()
        for each in (device, other):
            with pytest.raises(LoginRequired, match="not_logged_in"):
                each.whoami()
        device.auth.logout()
        assert asked == [WHOAMI]  # of the other, who could not know

    def test_logout_needs_the_server(self, device):
        """Without it nothing has changed; it can be repeated."""
        device.faults += [unreachable] * 100
        with pytest.raises(Unavailable):
            device.auth.logout()
        assert device.whoami() == OK
        device.faults[:] = [lost]
        device.auth.logout()
        assert AuthSession.objects.get().revoked_at is not None
