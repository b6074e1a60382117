"""What is kept of an address and a user agent, and that everything works with nothing kept."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import Api, Clock
from tests.domain import refresh, row, start
from tests.test_admin import LIST, root
from tokenauth import sessions
from tokenauth.audit import NOWHERE, Origin
from tokenauth.devices import Device
from tokenauth.exceptions import SessionEnded
from tokenauth.models import AuthEvent, AuthSession, RefreshToken
from tokenauth.moves import find_move

__all__ = ["root"]  # a fixture

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)

pytestmark = pytest.mark.req("REQ-132")


@pytest.fixture
def kept(settings: Any) -> Any:
    """Say what is kept: ``kept("truncated", "device")``."""

    def keep(addresses: str, user_agents: str) -> None:
        settings.TOKENAUTH_ADDRESSES = addresses
        settings.TOKENAUTH_USER_AGENTS = user_agents

    return keep


class TestAddresses:
    @pytest.mark.parametrize(
        ("ip", "network"),
        [
            ("192.0.2.77", "192.0.2.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("::1", "::"),
            ("nonsense", None),
            (None, None),
        ],
    )
    def test_truncated(self, kept: Any, ip: str | None, network: str | None):
        """A /24 or a /48; what cannot be cut is not kept."""
        kept("truncated", "full")
        assert Origin(ip).ip == network

    @pytest.mark.parametrize("word", ["off", "tuncated"])
    def test_off(self, kept: Any, word: str):
        """Nothing; nor for a word that the checks refuse and a project has silenced."""
        kept(word, "full")
        assert Origin("192.0.2.77").ip is None

    def test_full(self):
        """By default as it is."""
        assert Origin("192.0.2.77").ip == "192.0.2.77"


class TestUserAgents:
    def test_device(self, kept: Any):
        """The text is not kept, and what it says about the device is known."""
        kept("full", "device")
        origin = Origin("192.0.2.1", FIREFOX)

        assert origin.user_agent == ""
        assert origin.device == Device("Firefox on Linux", "desktop")
        assert "Gecko" not in repr(origin)

    @pytest.mark.parametrize("word", ["off", "devise"])
    def test_off(self, kept: Any, word: str):
        """Nothing is."""
        kept("full", word)
        origin = Origin("192.0.2.1", FIREFOX)

        assert (origin.user_agent, origin.device) == ("", Device() if word == "devise" else None)

    def test_of_two_devices_differ(self, kept: Any):
        """Where the text is not kept, origins are still told apart."""
        kept("off", "device")
        assert Origin(None, FIREFOX) != Origin(None, CHROME)
        assert Origin(None, FIREFOX) != NOWHERE

    def test_off_is_nowhere(self, kept: Any):
        """Without addresses and agents nothing is known of any request."""
        kept("off", "off")
        assert Origin("192.0.2.1", FIREFOX) == NOWHERE


def dump() -> str:
    """Return every value of the tables, as text."""
    tables = (AuthSession, RefreshToken, AuthEvent)
    return "\n".join(str(values) for model in tables for values in model.objects.values_list())


def live(clock: Clock) -> None:
    """Log in, fail, move, repeat, reuse: everything that stores where a request came from."""
    app = Api(headers={"user-agent": FIREFOX}, REMOTE_ADDR="192.0.2.77")
    thief = Api(headers={"user-agent": CHROME}, REMOTE_ADDR="198.51.100.99")
    app.login(client="app", password="wrong")
    assert app.login(client="app", device_name="mine").status_code == 200
    first = app.refresh_token
    app.post("/auth/reauthenticate/", {"password": "wrong"})
    clock.advance(hours=1)
    assert thief.refresh(first).status_code == 200
    assert app.refresh(first).status_code == 200
    clock.advance(hours=1)
    assert thief.refresh().status_code == 200
    assert app.refresh(first).json()["reason"] == "reuse"


ADDRESSES = ("192.0.2.77", "198.51.100.99")
NETWORKS = ("192.0.2.0", "198.51.100.0")
AGENTS = ("Gecko", "KHTML")
DEVICES = ("Firefox on Linux", "Chrome on Windows")


class TestStored:
    @pytest.mark.parametrize(
        ("words", "stored"),
        [
            (("full", "full"), {*ADDRESSES, *AGENTS, *DEVICES}),
            (("truncated", "device"), {*NETWORKS, *DEVICES}),
            (("off", "full"), {*AGENTS, *DEVICES}),
            (("off", "device"), {*DEVICES}),
            (("truncated", "off"), {*NETWORKS}),
            (("off", "off"), set[str]()),
        ],
    )
    def test_is_what_is_kept(
        self, user: User, clock: Clock, kept: Any, caplog: Any, words: Any, stored: set[str]
    ):
        """Sessions, history, events and the details of events hold that and nothing else."""
        kept(*words)
        caplog.set_level("INFO", "tokenauth")
        live(clock)
        logged = [str(vars(record)) for record in caplog.records if "tokenauth" in record.name]
        everything = {*ADDRESSES, *NETWORKS, *AGENTS, *DEVICES}

        assert AuthEvent.objects.filter(type="reuse").exists()
        assert {word for word in everything if word in dump()} == stored
        assert logged
        unwanted = (everything - stored) - {*DEVICES}
        assert not [word for word in unwanted if word in "".join(logged)]


class TestNothingKept:
    def test_serves_staff_and_users(
        self, user: User, root: Client, clock: Clock, kept: Any, app: Api
    ):
        """The admin's pages, the list of sessions: they say less, and nothing fails."""
        kept("off", "off")
        live(clock)
        app.login(client="app")
        (session, *_) = app.get("/auth/sessions/").json()["sessions"]

        assert (session["ip"], session["user_agent"]) == (None, "")
        for page in (LIST, f"{LIST}overview/", f"{LIST}{session['sid']}/change/"):
            assert root.get(page).status_code == 200, page
        assert root.get("/admin/tokenauth/authevent/").status_code == 200

    def test_sees_no_moves(self, user: User, clock: Clock, kept: Any):
        """What is not known has not changed."""
        kept("off", "off")
        live(clock)

        assert not AuthEvent.objects.filter(type__in=["moved", "repeated_elsewhere"]).exists()
        assert AuthSession.objects.get().moved_at is None

    def test_makes_no_device_new(self, user: User, kept: Any):
        """A mail about a new device at every login would help nobody."""
        start(user, origin=Origin("192.0.2.1", FIREFOX))
        kept("off", "off")

        assert not row(start(user, origin=Origin("192.0.2.1", CHROME))).new_device


class TestDeviceKept:
    def test_tells_new_devices(self, user: User, kept: Any):
        """By what the browser is, without its text."""
        kept("off", "device")
        start(user, origin=Origin("192.0.2.1", FIREFOX))

        assert not row(start(user, origin=Origin("192.0.2.1", FIREFOX))).new_device
        assert row(start(user, origin=Origin("192.0.2.1", CHROME))).new_device

    def test_sees_moves(self, user: User, clock: Clock, kept: Any):
        """Network and browser that change at once are worth a look, as ever."""
        kept("truncated", "device")
        live(clock)
        (moved,) = AuthEvent.objects.filter(type="moved")

        assert moved.detail == {
            "from_ip": "192.0.2.0",
            "to_ip": "198.51.100.0",
            "from_device": "Firefox on Linux",
            "to_device": "Chrome on Windows",
        }
        assert AuthSession.objects.get().device == "Chrome on Windows"

    def test_sees_a_move_at_one_address(self, user: User, clock: Clock, kept: Any):
        """Another browser is one even where neither address nor text say so."""
        kept("off", "device")
        tokens = start(user, origin=Origin("192.0.2.1", FIREFOX))
        clock.advance(hours=1)
        sessions.rotate(tokens.refresh or "", transport="body", origin=Origin("192.0.2.1", CHROME))

        assert AuthEvent.objects.filter(type="moved").count() == 1

    def test_is_what_users_know_their_sessions_by(self, user: User, clock: Clock, kept: Any):
        """The list of sessions has it in the place of the text."""
        kept("off", "device")
        app = Api(headers={"user-agent": FIREFOX})
        app.login(client="app")

        assert app.get("/auth/sessions/").json()["sessions"][0]["user_agent"] == "Firefox on Linux"

    def test_is_learnt_at_the_first_refresh(self, user: User, clock: Clock, kept: Any):
        """Of a session that a project started on its own; that is no move."""
        kept("truncated", "device")
        tokens = start(user)
        for _ in range(2):
            clock.advance(hours=1)
            origin = Origin("192.0.2.1", FIREFOX)
            tokens = sessions.rotate(tokens.refresh or "", transport="body", origin=origin)

        assert (row(tokens).device, row(tokens).moves) == ("Firefox on Linux", 0)


class TestChange:
    @pytest.mark.parametrize("addresses", ["full", "truncated", "off"])
    @pytest.mark.parametrize("user_agents", ["full", "device", "off"])
    @pytest.mark.parametrize("ip", ["192.0.2.77", "2001:db8:1:2:3:4:5:6"])
    def test_of_a_setting_moves_nobody(
        self, user: User, clock: Clock, kept: Any, addresses: str, user_agents: str, ip: str
    ):
        """A client that goes on where it was has not moved, whatever is kept from now on."""
        tokens = start(user, origin=Origin(ip, FIREFOX))
        kept(addresses, user_agents)
        other = start(user, origin=Origin(ip, FIREFOX))
        assert find_move(row(tokens), Origin(ip, FIREFOX)) is None
        clock.advance(hours=1)
        tokens = sessions.rotate(tokens.refresh or "", transport="body", origin=Origin(ip, FIREFOX))
        kept("full", "full")

        assert find_move(row(tokens), Origin(ip, FIREFOX)) is None
        assert find_move(row(other), Origin(ip, FIREFOX)) is None

    def test_cuts_what_was_stored_before(self, user: User, clock: Clock, kept: Any):
        """An event does not copy an address that would not be stored today."""
        tokens = start(user, origin=Origin("192.0.2.77", FIREFOX))
        clock.advance(hours=1)
        first = refresh(tokens)
        AuthSession.objects.update(last_ip="192.0.2.77", last_user_agent=FIREFOX)
        clock.advance(hours=1)
        refresh(first)
        AuthSession.objects.update(last_ip="192.0.2.77", last_user_agent=FIREFOX)
        kept("off", "device")
        with pytest.raises(SessionEnded):
            refresh(tokens)

        assert AuthEvent.objects.get(type="reuse").detail["last_ip"] is None
