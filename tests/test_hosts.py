"""Two hosts behind one balancer, whose clocks are three seconds apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse

from tests.conftest import Api
from tokenauth import sessions
from tokenauth.models import AuthEvent, AuthSession

pytestmark = pytest.mark.any_database

APART = timedelta(seconds=3)


class Hosts:
    """One time, and two hosts of which the second is ahead of the first."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the time as the host at work sees it."""
        return self.time + self.ahead

    def on(self, *, ahead: bool) -> None:
        """Let one of the hosts do the work."""
        self.ahead = APART if ahead else timedelta(0)

    def wait(self, seconds: float) -> None:
        """Let real time pass, on both."""
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """Two hosts; the slower one is at work."""
    found = Hosts()
    monkeypatch.setattr("tokenauth.system.now", found.now)
    return found


@pytest.fixture
def phone(user: User, hosts: Hosts) -> Api:
    """Ada's app, logged in on the host that is ahead."""
    hosts.on(ahead=True)
    found = Api()
    assert found.login(client="app").status_code == 200
    return found


def claims(api: Api) -> dict[str, Any]:
    """Return the claims of a client's access token, unverified."""
    assert api.access
    return jwt.decode(api.access, options={"verify_signature": False})


BOTH = pytest.mark.parametrize("first", [True, False], ids=["ahead first", "behind first"])


class TestAccessToken:
    def test_from_the_future(self, phone: Api, hosts: Hosts):
        """A token issued by the host ahead is good on the other, at once."""
        hosts.on(ahead=False)

        assert claims(phone)["iat"] == hosts.time.timestamp() + 3
        assert phone.whoami().status_code == 200

    def test_never_outlives_its_time(self, phone: Api, hosts: Hosts):
        """``exp`` is strict on each host: the one behind honours it three seconds longer."""
        hosts.wait(299)
        hosts.on(ahead=True)
        assert phone.whoami().status_code == 200
        hosts.wait(1)
        assert phone.whoami().status_code == 401
        hosts.on(ahead=False)
        assert phone.whoami().status_code == 200
        hosts.wait(3)

        assert phone.whoami().status_code == 401

    def test_first_use_on_the_other_host(self, phone: Api, hosts: Hosts):
        """Its first use is recorded, whichever host sees it."""
        hosts.on(ahead=False)
        phone.whoami()

        assert AuthSession.objects.get().confirmed_generation == 0


class TestRefresh:
    @BOTH
    def test_a_day_of_refreshes(self, phone: Api, hosts: Hosts, first: Any):
        """Refreshes that go to the hosts in turn rotate each time, and none is reuse."""
        turn = first
        for generation in range(1, 100):
            hosts.wait(290)
            hosts.on(ahead=turn)
            assert phone.refresh().status_code == 200
            assert AuthSession.objects.get().generation == generation
            turn = not turn
            hosts.on(ahead=turn)
            assert phone.whoami().status_code == 200

        assert not AuthEvent.objects.exclude(type="login").exists()

    @BOTH
    @pytest.mark.req("REQ-17")
    def test_two_tabs(self, phone: Api, hosts: Hosts, first: Any):
        """One token at both hosts at once has one successor."""
        hosts.wait(290)
        old = phone.refresh_token
        hosts.on(ahead=first)
        successor = refresh(phone, old)
        hosts.on(ahead=not first)

        assert refresh(phone, old) == successor

    @BOTH
    def test_two_tabs_without_grace(self, phone: Api, hosts: Hosts, settings: Any, first: Any):
        """Also without a grace, however often in a row."""
        settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)
        token = phone.refresh_token
        for _ in range(10):
            hosts.wait(290)
            hosts.on(ahead=first)
            successor = refresh(phone, token)
            hosts.on(ahead=not first)
            assert refresh(phone, token) == successor
            token = successor

    @BOTH
    def test_grace(self, phone: Api, hosts: Hosts, first: Any):
        """The grace is as long as it is, give or take what the clocks differ."""
        hosts.wait(290)
        old = phone.refresh_token
        hosts.on(ahead=first)
        phone.refresh()
        phone.whoami()
        hosts.wait(26)
        hosts.on(ahead=not first)
        assert phone.refresh(old).status_code == 200
        hosts.wait(8)

        assert code(phone.refresh(old)) == "session_ended"


def refresh(api: Api, token: str | None) -> str:
    """Refresh with this token; return the one that comes back."""
    response = api.refresh(token)
    assert response.status_code == 200
    return str(response.json()["refresh"])


def code(response: HttpResponse) -> str:
    """Return the code of an error."""
    return str(response.json()["code"])  # type: ignore[attr-defined]  # the test client adds it


class TestRevocation:
    @BOTH
    @pytest.mark.req("REQ-41")
    def test_seen_by_both(self, phone: Api, hosts: Hosts, user: User, first: Any):
        """A session revoked on one host is over on the other, at once."""
        hosts.on(ahead=first)
        sessions.revoke_user_sessions(user, reason="admin")
        hosts.on(ahead=not first)

        assert phone.whoami().status_code == 401
        assert code(phone.refresh()) == "session_ended"

    def test_expired_on_one_host_only(self, phone: Api, hosts: Hosts, user: User):
        """What has expired on the host ahead can still be revoked, for the other's sake."""
        session = AuthSession.objects.get()
        hosts.time = session.expires_at - timedelta(seconds=1)
        hosts.on(ahead=True)
        assert sessions.revoke_session(session, reason="admin")
        hosts.on(ahead=False)

        assert phone.refresh().json()["reason"] == "revoked"
