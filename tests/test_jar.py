"""A browser's cookie jar against the real endpoints, in every order in which answers arrive."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from tests.conftest import PASSWORD
from tests.jar import Jar, SetCookie, Tab, cookies_of, orders, parse
from tokenauth.conf import config
from tokenauth.models import AuthSession
from tokenauth.sessions import revoke_user_sessions
from tokenauth.tokens.refresh import parse_refresh_token

REFRESH = "__Secure-tokenauth-refresh"
LOGIN = {"username": "ada", "password": PASSWORD}
REFRESHES = ("refresh 1", "refresh 2")


@pytest.fixture
def jar(clock: Any, user: Any) -> Jar:
    """Ada's browser, at first without cookies."""
    return Jar("testserver", clock)


def send(jar: Jar, action: str) -> Callable[[], Any]:
    """Send what a tab does, with the cookies that the browser has at this moment."""
    url = f"/auth/{action.split(maxsplit=1)[0]}/"
    return Tab(jar).send(url, LOGIN if action == "login" else None)


def session_of_cookie(jar: Jar) -> AuthSession | None:
    """Return the session whose token is in the jar."""
    for value in jar.values(REFRESH):
        token = parse_refresh_token(value, config.refresh_keys)
        assert token is not None
        session = AuthSession.objects.get(pk=token.session_id)
        assert token.is_authentic(config.refresh_keys, bytes(session.seed))
        return session
    return None


def living() -> list[AuthSession]:
    """Return the sessions that live."""
    return list(AuthSession.objects.filter(revoked_at=None))


def is_dead_over_living(jar: Jar) -> bool:
    """Return whether the jar holds a cookie that is refused, while a session lives."""
    session = session_of_cookie(jar)
    return session is not None and session.revoked_at is not None and bool(living())


def before(jar: Jar, clock: Any, user: Any, start: str) -> None:
    """Bring the browser to where the three tabs start from."""
    if start == "logged out":
        return
    Tab(jar).post("/auth/login/", LOGIN)
    clock.advance(seconds=40 if start == "due" else 5)
    if start == "ended":
        revoke_user_sessions(user, reason="admin")


def sets_cookie(answer: Any) -> bool:
    """Return whether an answer writes the refresh cookie."""
    return any(cookie.name == REFRESH for cookie in cookies_of(answer))


class TestLoginRefreshLogout:
    """Login, two refreshes and logout at once: 24 orders of serving, 24 of arriving."""

    ACTIONS = ("login", *REFRESHES, "logout")

    def run(self, jar: Jar, serve: tuple[str, ...]) -> dict[str, Any]:
        """Send all with the same cookies; have them served in this order."""
        flights = {action: send(jar, action) for action in self.ACTIONS}
        return {action: flights[action]() for action in serve}

    @pytest.mark.req("REQ-20")
    @pytest.mark.parametrize("start", ["logged out", "ended", "fresh"])
    def test_the_later_of_login_and_logout_has_the_word(self, jar, clock, user, start):
        """No answer to a refresh touches the cookie: it neither rotates nor fails loudly."""
        for serve in permutations(self.ACTIONS):
            jar.cookies.clear()
            AuthSession.objects.all().delete()
            before(jar, clock, user, start)
            answers, cookies = self.run(jar, serve), dict(jar.cookies)
            (session,) = living()
            for arrive in permutations(self.ACTIONS):
                jar.cookies = dict(cookies)
                for action in arrive:
                    Tab(jar).receive(answers[action])
                stays = arrive.index("login") > arrive.index("logout")
                assert session_of_cookie(jar) == (session if stays else None)

    @pytest.mark.req("REQ-20")
    def test_a_rotation_that_a_login_overtook_is_the_only_dead_cookie(self, jar, clock, user):
        """The limit of one cookie: a browser keeps what arrives last.

        The session that a login replaces may have rotated a moment before, and that answer may
        arrive after the login's. No answer can prevent it: the server has sent both. The cookie
        is dead then, the user logs in once more, and nobody is in another's session. Clients
        exclude it by a lock around login, refresh and logout.
        """
        dead = 0
        for serve in permutations(self.ACTIONS):
            jar.cookies.clear()
            AuthSession.objects.all().delete()
            before(jar, clock, user, "due")
            answers, cookies = self.run(jar, serve), dict(jar.cookies)
            assert len(living()) == 1
            for arrive in permutations(self.ACTIONS):
                jar.cookies = dict(cookies)
                for action in arrive:
                    Tab(jar).receive(answers[action])
                writers = [action for action in arrive if sets_cookie(answers[action])]
                overtaken = writers[-1] in REFRESHES
                assert is_dead_over_living(jar) is overtaken
                if overtaken:
                    dead += 1
                    assert serve.index(writers[-1]) < serve.index("login")
                    assert arrive.index(writers[-1]) > arrive.index("login")
        assert dead == 112  # of 576

    def test_after_it_the_next_login_heals(self, jar, clock, user):
        """The refused refresh leaves the cookie alone, and the login replaces it."""
        before(jar, clock, user, "due")
        answers = self.run(jar, ("refresh 1", "login", "refresh 2", "logout"))
        for action in ("logout", "refresh 2", "login", "refresh 1"):
            Tab(jar).receive(answers[action])
        refused = Tab(jar).post("/auth/refresh/")
        assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")
        Tab(jar).post("/auth/login/", LOGIN)
        clock.advance(seconds=40)
        assert Tab(jar).post("/auth/refresh/").status_code == 200


class TestRefreshLogout:
    """Two refreshes and a logout at once: every order of serving and arriving."""

    ACTIONS = (*REFRESHES, "logout")

    @pytest.mark.parametrize("start", ["due", "fresh"])
    def test_a_logout_stays_a_logout(self, jar, clock, user, start):
        """Whatever cookie is left, the session is over, and nothing brings it back."""
        for serve in permutations(self.ACTIONS):
            for arrive in permutations(self.ACTIONS):
                jar.cookies.clear()
                before(jar, clock, user, start)
                flights = {action: send(jar, action) for action in self.ACTIONS}
                answers = {action: flights[action]() for action in serve}
                for action in arrive:
                    Tab(jar).receive(answers[action])
                assert not living()
                assert Tab(jar).post("/auth/refresh/").status_code == 401
                access = [
                    answer.json()["access"]
                    for answer in answers.values()
                    if answer.status_code == 200
                ]
                assert [whoami(jar, token) for token in access] == [401] * len(access)


def whoami(jar: Jar, access: str) -> int:
    """Return the status of an API request."""
    headers = {"Authorization": f"Bearer {access}"}
    return Client().get("/api/whoami", headers=headers).status_code


class TestTwoTabs:
    """Two requests, each sent, served and received whenever it likes: 20 orders of each pair."""

    def run(self, jar: Jar, clock: Any, actions: tuple[str, str], order: tuple[int, ...]) -> Any:
        """Play one order, 2 s between any two steps; return what was served, in order."""
        flights: dict[int, Any] = {}
        served = []
        for tab in order:
            clock.advance(seconds=2)
            if tab not in flights:
                flights[tab] = send(jar, actions[tab])
            elif callable(flights[tab]):
                flights[tab] = flights[tab]()
                served.append(flights[tab])
            else:
                Tab(jar).receive(flights[tab])
        return served

    def test_two_refreshes_end_with_a_living_cookie(self, jar, clock, user):
        """Both succeed, one successor is made, and the session goes on."""
        for order in orders(3, 3):
            jar.cookies.clear()
            before(jar, clock, user, "due")
            served = self.run(jar, clock, REFRESHES, order)
            assert [answer.status_code for answer in served] == [200, 200]
            session = session_of_cookie(jar)
            assert session is not None
            assert session.generation == 1
            clock.advance(seconds=40)
            assert Tab(jar).post("/auth/refresh/").status_code == 200

    def test_a_refresh_beside_a_logout_leaves_nothing_alive(self, jar, clock, user):
        """Whichever is first."""
        for order in orders(3, 3):
            jar.cookies.clear()
            before(jar, clock, user, "due")
            self.run(jar, clock, ("refresh", "logout"), order)
            assert not living()
            assert Tab(jar).post("/auth/refresh/").status_code == 401

    def test_two_logins_leave_the_last_cookie_alive(self, jar, clock, user):
        """Each ends what it saw; the jar holds the one that arrived last."""
        for order in orders(3, 3):
            jar.cookies.clear()
            before(jar, clock, user, "due")
            self.run(jar, clock, ("login", "login"), order)
            session = session_of_cookie(jar)
            assert session is not None
            assert session.revoked_at is None

    def test_a_login_beside_a_refresh(self, jar, clock, user):
        """The jar ends in the new session, but where the login overtook the rotation."""
        dead = []
        for order in orders(3, 3):
            jar.cookies.clear()
            AuthSession.objects.all().delete()
            before(jar, clock, user, "due")
            self.run(jar, clock, ("login", "refresh"), order)
            if is_dead_over_living(jar):
                dead.append(order)
        steps = [(order.index(1), *_serve_and_arrive(order)) for order in dead]
        assert all(
            refresh_served < login_served and login_arrived < refresh_arrived
            for _, login_served, login_arrived, refresh_served, refresh_arrived in steps
        )
        assert len(dead) == 3


def _serve_and_arrive(order: tuple[int, ...]) -> tuple[int, int, int, int]:
    places = [[place for place, tab in enumerate(order) if tab == wanted] for wanted in (0, 1)]
    return places[0][1], places[0][2], places[1][1], places[1][2]


class TestAnswers:
    """Why that holds: what an answer may say about the cookie."""

    @pytest.mark.req("REQ-20")
    def test_keep_sends_no_cookie(self, jar, clock, user):
        """An unchanged token is never repeated: it could arrive after a newer one."""
        before(jar, clock, user, "fresh")
        answer = Tab(jar).post("/auth/refresh/")
        assert answer.status_code == 200
        assert cookies_of(answer) == []

    def test_a_repeated_answer_is_the_newest(self, jar, clock, user):
        """Throughout the grace all answers carry one token, so their order does not matter."""
        before(jar, clock, user, "due")
        old = dict(jar.cookies)
        sent = [cookies_of(Tab(jar).post("/auth/refresh/"))[0].value]
        newest = dict(jar.cookies)
        for _ in range(6):
            clock.advance(seconds=4)
            jar.cookies = dict(old)
            sent.append(cookies_of(Tab(jar).post("/auth/refresh/"))[0].value)
            jar.cookies = dict(newest)
            assert cookies_of(send(jar, "refresh")()) == []
        assert set(sent) <= {cookie.value for cookie in newest.values()}
        assert len(set(sent)) == 1

    @pytest.mark.parametrize("lost", [{"seconds": 5}, {"hours": 8}], ids=str)
    def test_a_lost_answer_is_given_again(self, jar, clock, user, lost):
        """The same token again, 5 s or 8 h later: 200, and the same generation."""
        before(jar, clock, user, "due")
        (first,) = cookies_of(send(jar, "refresh")())
        clock.advance(**lost)
        answer = Tab(jar).post("/auth/refresh/")
        assert answer.status_code == 200
        assert cookies_of(answer)[0].value == first.value
        assert AuthSession.objects.get().generation == 1
        clock.advance(seconds=40)
        assert Tab(jar).post("/auth/refresh/").status_code == 200

    @pytest.mark.parametrize("atomic", [0, 1])
    def test_a_thief_s_token_ends_everything(
        self, transactional_db, monkeypatch, jar, clock, user, atomic
    ):
        """Superseded, its successor used, after the grace: 401, and the newest tokens are dead.

        At once and for good: under ATOMIC_REQUESTS the error response rolls nothing back.
        """
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)
        before(jar, clock, user, "due")
        stolen = dict(jar.cookies)
        access = Tab(jar).post("/auth/refresh/").json()["access"]
        assert whoami(jar, access) == 200
        clock.advance(seconds=31)
        honest, jar.cookies = jar.cookies, stolen
        reused = Tab(jar).post("/auth/refresh/")
        assert (reused.status_code, reused.json()["reason"]) == (401, "reuse")
        jar.cookies = honest
        refused = Tab(jar).post("/auth/refresh/")
        assert (refused.status_code, refused.json()["reason"]) == (401, "reuse")
        assert whoami(jar, access) == 401

    def test_a_login_over_a_cookie_makes_the_new_one_first(self, jar, clock, user):
        """And the old cookie is dead from then on."""
        before(jar, clock, user, "due")
        old = dict(jar.cookies)
        Tab(jar).post("/auth/login/", LOGIN)
        assert len(living()) == 1
        jar.cookies = old
        assert Tab(jar).post("/auth/refresh/").json()["code"] == "session_ended"


class TestJar:
    """The model itself: without these the tests above could not fail."""

    @pytest.mark.parametrize(
        ("name", "extra", "kept"),
        [
            ("__Secure-a", {"secure": True}, True),
            ("__Secure-a", {}, False),
            ("__Host-a", {"secure": True}, True),
            ("__Host-a", {"secure": True, "path": "/x"}, False),
            ("__Host-a", {"secure": True, "domain": "example.com"}, False),
            ("__Host-Http-a", {"secure": True}, False),
            ("__Host-Http-a", {"secure": True, "httponly": True}, True),
            ("a", {"domain": "com"}, False),
            ("a", {"domain": "other.example"}, False),
            ("a" * 5000, {}, False),
        ],
    )
    def test_prefixes_domains_and_size(self, clock, name, extra, kept):
        """What a browser refuses, the jar refuses."""
        jar = Jar("app.example.com", clock)
        assert jar.take(SetCookie(name, "1", **{"path": "/", **extra})) is kept

    def test_order_and_expiry(self, clock):
        """Longer paths first, then older cookies; what has expired is not sent."""
        jar = Jar("app.example.com", clock)
        for header in ("a=1; Path=/", "b=2; Path=/x", "c=3; Path=/; Max-Age=60", "d=4; Path=/x/"):
            assert jar.take(parse(header))
        assert jar.header("/x/y") == "d=4; b=2; a=1; c=3"
        clock.advance(seconds=60)
        assert jar.header("/xy") == "a=1"
        assert jar.take(parse("a=1; Path=/; Max-Age=0"))
        assert jar.header("/xy") == ""

    def test_every_order_is_played(self):
        """20 ways to interleave two times three steps."""
        assert len(set(orders(3, 3))) == 20
