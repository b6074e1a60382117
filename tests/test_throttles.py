"""The limits of the endpoints, each reached; and who does not pay for it."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

from tests.conftest import PASSWORD, Api, Clock
from tokenauth import system, throttles
from tokenauth.models import AuthSession
from tokenauth.sessions import start_session

ELSEWHERE = "198.51.100.7"
FORGED = "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"

AsApi = Callable[[Api], Any]

BY_ACCESS_TOKEN: dict[str, AsApi] = {
    "me": lambda api: api.get("/auth/me/"),
    "sessions": lambda api: api.get("/auth/sessions/"),
    "rename": lambda api: api.patch(f"/auth/sessions/{system.new_id()}/", {"device_name": "x"}),
    "revoke": lambda api: api.delete(f"/auth/sessions/{system.new_id()}/"),
    "revoke_others": lambda api: api.post("/auth/sessions/revoke/", {"scope": "others"}),
    "reauthenticate": lambda api: api.post("/auth/reauthenticate/", {"password": PASSWORD}),
}
UNAUTHENTIC: dict[str, AsApi] = {
    "refresh_malformed": lambda api: Api().refresh("x" * 64),
    "refresh_of_no_json": lambda api: api.http.post("/auth/refresh/", "{", "application/json"),
    "access_forged": lambda api: Api().get("/auth/me/", headers=bearer(FORGED)),
    "login_malformed": lambda api: api.http.post("/auth/login/", "{", "application/json"),
    "login_without_password": lambda api: api.post("/auth/login/", {"username": "ada"}),
    "login_from_elsewhere": lambda api: api.post(
        "/auth/login/",
        {"username": "ada", "password": PASSWORD},
        headers={"Sec-Fetch-Site": "cross-site"},
    ),
}


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that presents an access token."""
    return {"Authorization": f"Bearer {token}"}


def limit(settings: Any, **rates: str | None) -> None:
    """Set limits that a test can reach."""
    settings.TOKENAUTH_THROTTLE_RATES = rates


def statuses(number: int, request: Callable[[], Any]) -> list[int]:
    """Send a request so many times; return the statuses."""
    return [request().status_code for _ in range(number)]


@pytest.fixture(autouse=True)
def at_the_beginning(clock: Clock) -> None:
    """Begin each test with a window, so that it does not matter when it is run."""
    clock.time = clock().replace(minute=0, second=0)


class TestDefaults:
    """Each limit as a project has it that sets nothing."""

    @pytest.mark.req("REQ-134")
    @pytest.mark.parametrize("client", ["app", "browser"])
    def test_of_refresh(self, request: pytest.FixtureRequest, client: str, clock: Clock) -> None:
        """The 301st refresh of a session within a minute is one too many."""
        api = request.getfixturevalue(client)
        assert statuses(300, api.refresh) == [200] * 300
        assert api.refresh().status_code == 429

    @pytest.mark.req("REQ-134")
    def test_of_the_caller(self, app: Api) -> None:
        """The 121st request by access token is, whatever the endpoints were."""
        requests = list(BY_ACCESS_TOKEN.values())[:3]
        answers = [requests[number % 3](app) for number in range(120)]
        assert {answer.status_code for answer in answers} == {200, 404}
        assert app.get("/auth/me/").status_code == 429

    @pytest.mark.req("REQ-134")
    def test_of_what_is_refused(self, db: None, clock: Clock) -> None:
        """So is the 121st that names nobody."""
        assert statuses(120, lambda: Api().refresh("x")) == [401] * 120
        assert Api().refresh("x").status_code == 429


class TestAnswer:
    @pytest.mark.req("REQ-134")
    def test_says_how_long_to_wait(self, app: Api, clock: Clock, settings: Any) -> None:
        """429 throttled; after Retry-After, and not before, the same request succeeds."""
        limit(settings, session="1/min")
        app.get("/auth/me/")
        answer = app.get("/auth/me/")
        assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
        wait = int(answer["Retry-After"])
        assert 1 <= wait <= 60
        clock.advance(seconds=wait - 1)
        assert app.get("/auth/me/").status_code == 429
        clock.advance(seconds=1)
        assert app.get("/auth/me/").status_code == 200

    @pytest.mark.parametrize(("rate", "seconds"), [("1/s", 1), ("1/h", 3600), ("1/day", 86400)])
    def test_follows_the_period(
        self, app: Api, clock: Clock, settings: Any, rate: str, seconds: int
    ) -> None:
        """It is at least a second, and never longer than the window."""
        limit(settings, refresh=rate)
        assert statuses(2, app.refresh) == [200, 429]
        assert 1 <= int(app.refresh()["Retry-After"]) <= seconds
        clock.advance(seconds=seconds)
        assert app.refresh().status_code == 200

    def test_is_as_every_error(self, app: Api, clock: Clock, settings: Any) -> None:
        """JSON that nobody stores, and no challenge that would open a form for a password."""
        limit(settings, refresh="1/min")
        app.refresh()
        answer = app.refresh()
        assert answer["Cache-Control"] == "no-store"
        assert "WWW-Authenticate" not in answer
        assert not answer.cookies


class TestRefresh:
    @pytest.mark.req("REQ-134")
    def test_throttled_changes_nothing(self, app: Api, clock: Clock, settings: Any) -> None:
        """The row is as it was, and the token is good in the next window."""
        limit(settings, refresh="1/min")
        app.refresh()
        before = AuthSession.objects.values().get()
        clock.advance(seconds=40)
        assert app.refresh().status_code == 429
        assert AuthSession.objects.values().get() == before
        clock.advance(seconds=20)
        assert "refresh" in app.refresh().json()

    @pytest.mark.req("REQ-134")
    def test_rotation_begins_no_new_count(self, app: Api, clock: Clock, settings: Any) -> None:
        """Each new token is of the same session, and so are all that it has had."""
        settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)
        limit(settings, refresh="3/min")
        tokens = [app.refresh_token, *(app.refresh().json()["refresh"] for _ in range(3))]
        assert len(set(tokens)) == 4
        assert {Api().refresh(token).status_code for token in tokens} == {429}
        assert AuthSession.objects.get().revoked_at is None

    @pytest.mark.req("REQ-134")
    def test_of_many_sessions_at_one_address(self, user: Any, clock: Clock, settings: Any) -> None:
        """Behind one address, each session has a count of its own."""
        limit(settings, refresh="1/min")
        tokens = [start_session(user, client="app").refresh for _ in range(20)]
        assert {Api().refresh(token).status_code for token in tokens} == {200}
        assert {Api().refresh(token).status_code for token in tokens} == {429}

    @pytest.mark.req("REQ-134")
    def test_forger_elsewhere_uses_up_nothing(self, app: Api, clock: Clock, settings: Any) -> None:
        """Whoever knows a session's id, and not its token, is counted where they are."""
        limit(settings, refresh="2/min")
        token = str(app.refresh_token)
        forged = token[:-1] + ("A" if token[-1] != "A" else "Q")
        sent = statuses(4, lambda: Api(REMOTE_ADDR=ELSEWHERE).refresh(forged))
        assert sent == [401, 401, 429, 429]
        assert app.refresh().status_code == 200

    def test_without_a_token_is_not_counted(self, db: None, settings: Any) -> None:
        """A page that asks whether anybody is logged in has failed at nothing."""
        limit(settings, refresh="1/min", refused="1/min")
        answers = [Api().refresh().json()["code"] for _ in range(5)]
        assert set(answers) == {"refresh_missing"}

    def test_from_another_site_uses_up_nothing(
        self, browser: Api, clock: Clock, settings: Any
    ) -> None:
        """A page of a sibling host could otherwise keep its neighbour's users out."""
        limit(settings, refresh="1/min")
        forged = {"Sec-Fetch-Site": "same-site"}
        browser.http.handler.enforce_csrf_checks = True
        assert statuses(3, lambda: browser.refresh(headers=forged)) == [403] * 3
        assert browser.refresh(headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200

    def test_of_a_session_that_has_ended_is_counted(
        self, app: Api, clock: Clock, settings: Any
    ) -> None:
        """Its token is authentic, and costs a query."""
        limit(settings, refresh="1/min")
        app.logout(bearer=False)
        assert statuses(2, app.refresh) == [401, 429]


class TestLogout:
    @pytest.mark.req("REQ-134")
    def test_is_counted_by_session(self, app: Api, clock: Clock, settings: Any) -> None:
        """The one that the token names, whichever kind of token it is, and however old."""
        limit(settings, refresh="3/min")
        assert app.logout(bearer=False).status_code == 204
        clock.advance(seconds=30)
        assert app.post("/auth/logout/").status_code == 204
        assert statuses(2, lambda: app.logout(bearer=False)) == [204, 429]

    @pytest.mark.req("REQ-134")
    def test_by_expired_access_token_is_too(self, app: Api, clock: Clock, settings: Any) -> None:
        """It is authentic, so it names who pays."""
        limit(settings, refresh="2/min", refused="1/min")
        clock.advance(minutes=6)
        assert statuses(3, lambda: app.post("/auth/logout/")) == [204, 204, 429]

    def test_succeeds_after_too_many_refreshes(self, app: Api, clock: Clock, settings: Any) -> None:
        """A page that refreshes in a loop does not keep its user logged in."""
        limit(settings, refresh="1/min")
        assert statuses(2, app.refresh) == [200, 429]
        assert app.logout(bearer=False).status_code == 204

    def test_throttled_ends_nothing(self, app: Api, user: Any, settings: Any) -> None:
        """It may be repeated."""
        limit(settings, refused="1/min")
        assert statuses(2, lambda: Api().post("/auth/logout/", {"refresh": "x"})) == [204, 429]
        assert AuthSession.objects.get().revoked_at is None
        assert app.logout(bearer=False).status_code == 204

    @pytest.mark.parametrize("data", [{"refresh": "x"}, {"refresh": "x" * 64}])
    def test_of_garbage_is_counted_by_address(self, db: None, settings: Any, data: Any) -> None:
        """What names no session is garbage here as well."""
        limit(settings, refused="2/min")
        assert statuses(3, lambda: Api().post("/auth/logout/", data)) == [204, 204, 429]

    def test_of_a_forged_access_token_is_garbage(self, db: None, settings: Any) -> None:
        """A session that it names is not charged with it."""
        limit(settings, refused="2/min")
        logout = statuses(3, lambda: Api().post("/auth/logout/", headers=bearer(FORGED)))
        assert logout == [204, 204, 429]

    def test_of_nobody_is_not_counted(self, db: None, settings: Any) -> None:
        """A page that makes sure is told that it is so."""
        limit(settings, refresh="1/min", refused="1/min")
        assert statuses(3, lambda: Api().post("/auth/logout/")) == [204] * 3


class TestCaller:
    @pytest.mark.req("REQ-134")
    @pytest.mark.parametrize("name", BY_ACCESS_TOKEN)
    def test_is_limited_at_every_endpoint(
        self, app: Api, clock: Clock, settings: Any, name: str
    ) -> None:
        """All that an access token opens."""
        limit(settings, session="1/min")
        assert BY_ACCESS_TOKEN[name](app).status_code in {200, 404}
        assert app.get("/auth/me/").status_code == 429

    def test_throttled_revokes_nothing(self, app: Api, user: Any, settings: Any) -> None:
        """The view is not reached."""
        start_session(user, client="app")
        limit(settings, session="1/min")
        app.get("/auth/me/")
        assert app.post("/auth/sessions/revoke/", {"scope": "all"}).status_code == 429
        assert AuthSession.objects.filter(revoked_at=None).count() == 2

    @pytest.mark.req("REQ-134")
    def test_has_one_count_for_all_sessions_of_a_client(
        self, app: Api, settings: Any, user: Any
    ) -> None:
        """Another login is not another allowance."""
        limit(settings, session="2/min")
        other = Api()
        other.login(client="app")
        assert [api.get("/auth/me/").status_code for api in (app, other, app)] == [200, 200, 429]

    @pytest.mark.req("REQ-134")
    def test_has_one_for_each_client(self, app: Api, browser: Api, settings: Any) -> None:
        """An app that runs wild leaves its user the browser."""
        limit(settings, session="1/min")
        assert statuses(2, lambda: app.get("/auth/me/")) == [200, 429]
        assert browser.get("/auth/me/").status_code == 200

    @pytest.mark.req("REQ-134")
    def test_shares_an_address_with_others(
        self, app: Api, staff: Any, clock: Clock, settings: Any
    ) -> None:
        """Another user behind the same address has a count of their own."""
        limit(settings, session="1/min")
        root = Api()
        root.login("root", client="app")
        assert statuses(2, lambda: app.get("/auth/me/")) == [200, 429]
        assert root.get("/auth/me/").status_code == 200

    def test_is_not_kept_out_by_a_thief(self, app: Api, settings: Any) -> None:
        """Who uses a stolen token elsewhere cannot keep its owner from ending the session."""
        limit(settings, session="1/min")
        thief = Api(REMOTE_ADDR=ELSEWHERE)
        thief.access = app.access
        assert statuses(2, lambda: thief.get("/auth/me/")) == [200, 429]
        assert app.post("/auth/sessions/revoke/", {"scope": "all"}).status_code == 200

    def test_without_a_token_of_ours(self, user: Any, settings: Any) -> None:
        """``force_authenticate`` has a user and no claims."""
        limit(settings, session="1/min")
        forced = APIClient()
        forced.force_authenticate(user)
        assert statuses(2, lambda: forced.get("/auth/me/")) == [200, 429]


class TestRefused:
    @pytest.mark.req("REQ-134")
    @pytest.mark.parametrize("name", UNAUTHENTIC)
    def test_is_counted_by_address(self, app: Api, clock: Clock, settings: Any, name: str) -> None:
        """Two refusals as ever, and then 429; from elsewhere, a refusal again."""
        app.http.handler.enforce_csrf_checks = True
        limit(settings, refused="2/min")
        request = UNAUTHENTIC[name]
        first, second, third = statuses(3, lambda: request(app))
        assert first == second in {400, 401, 403}
        assert third == 429

    @pytest.mark.req("REQ-134")
    def test_counts_what_is_no_challenge(self, clock: Clock, settings: Any) -> None:
        """A second step of no login is garbage, though it is answered as a wrong code."""
        settings.TOKENAUTH_LOGIN_GATE = "tests.test_views_second_step.gate"
        settings.TOKENAUTH_SECOND_STEP = "tests.test_views_second_step.verify"
        limit(settings, refused="2/min")
        garbage = {"challenge": "garbage"}
        answers = statuses(3, lambda: Api().post("/auth/login/second-step/", garbage))
        assert answers == [401, 401, 429]

    def test_counts_all_kinds_together(self, app: Api, clock: Clock, settings: Any) -> None:
        """Whatever is garbage is garbage."""
        app.http.handler.enforce_csrf_checks = True
        limit(settings, refused=f"{len(UNAUTHENTIC)}/min")
        answers = [request(app).status_code for request in UNAUTHENTIC.values()]
        assert 429 not in answers
        assert Api().refresh("x").status_code == 429

    @pytest.mark.req("REQ-134")
    def test_harms_nobody_at_the_same_address(
        self, app: Api, browser: Api, clock: Clock, settings: Any
    ) -> None:
        """Logins, refreshes and requests of the honest go on, and so do their own refusals."""
        limit(settings, refused="1/min")
        assert statuses(3, lambda: Api().refresh("x")) == [401, 429, 429]
        assert Api().login(client="app").status_code == 200
        assert Api().login(password="wrong").status_code == 401
        assert app.refresh().status_code == 200
        assert app.get("/auth/me/").status_code == 200
        assert app.post("/auth/sessions/revoke/", {"scope": "x"}).status_code == 400
        clock.advance(minutes=6)
        assert statuses(2, lambda: Api().refresh("x")) == [401, 429]
        assert browser.get("/auth/me/").json()["code"] == "access_invalid"
        assert browser.refresh().status_code == 200

    def test_with_an_authentic_token_its_owner_pays(
        self, app: Api, clock: Clock, settings: Any
    ) -> None:
        """A client that sends its expired token for ever is told to stop, and nobody else is."""
        limit(settings, session="2/min", refused="1/min")
        clock.advance(minutes=6)
        assert statuses(3, lambda: app.get("/auth/me/")) == [401, 401, 429]
        assert Api().get("/auth/me/", headers=bearer(FORGED)).status_code == 401

    @pytest.mark.parametrize("name", ["not_authenticated", "not_allowed", "media_type"])
    def test_is_not_what_cost_nothing(self, db: None, settings: Any, name: str) -> None:
        """A request without credentials, or of another kind, is not counted."""
        limit(settings, refused="1/min")
        harmless: dict[str, Callable[[], Any]] = {
            "not_authenticated": lambda: Api().get("/auth/me/"),
            "not_allowed": lambda: Api().get("/auth/refresh/"),
            "media_type": lambda: Api().http.post("/auth/refresh/", "x", "text/plain"),
        }
        assert 429 not in statuses(3, harmless[name])

    def test_two_cookies_are_always_repaired(self, db: None, settings: Any) -> None:
        """The answer deletes the planted one, so it must be the answer."""
        limit(settings, refused="1/min")
        cookie = "__Secure-tokenauth-refresh=a; __Secure-tokenauth-refresh=b"
        answers = [Api().post("/auth/refresh/", headers={"Cookie": cookie}) for _ in range(3)]
        assert {answer.json()["code"] for answer in answers} == {"refresh_ambiguous"}


class TestAddress:
    @pytest.mark.parametrize(
        ("first", "second", "shared"),
        [
            ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
            ("203.0.113.1", "203.0.113.2", False),
            ("::ffff:203.0.113.1", "203.0.113.1", True),
            ("", "not an address", True),
            ("", "203.0.113.1", False),
        ],
    )
    def test_is_what_counts(
        self, db: None, settings: Any, first: str, second: str, *, shared: bool
    ) -> None:
        """A /64 of IPv6 is one household; who has no address shares with all who have none."""
        limit(settings, refused="1/min")
        assert Api(REMOTE_ADDR=first).refresh("x").status_code == 401
        expected = 429 if shared else 401
        assert Api(REMOTE_ADDR=second).refresh("x").status_code == expected


class TestRates:
    @pytest.mark.parametrize("name", ["refresh", "session", "refused"])
    def test_of_none_turns_the_limit_off(self, app: Api, settings: Any, name: str) -> None:
        """Nothing is counted for it, and the others stay."""
        limit(settings, **{**dict.fromkeys(("refresh", "session", "refused"), "1/min"), name: None})
        requests = {
            "refresh": app.refresh,
            "session": lambda: app.get("/auth/me/"),
            "refused": lambda: Api().refresh("x"),
        }
        limited = {key: 429 in statuses(3, request) for key, request in requests.items()}
        assert limited == {key: key != name for key in requests}

    def test_are_those_of_rest_framework(self) -> None:
        """In its notation, by its own function."""
        assert throttles.parse_rate("7/hour") == (7, 3600)

    def test_come_after_the_project_s(self, app: Api, settings: Any) -> None:
        """What the project's own throttles refuse is not counted."""
        refuse = type("Refuse", (), {"allow_request": lambda *_: False, "wait": lambda *_: 7})
        limit(settings, session="1/min")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(api_settings, "DEFAULT_THROTTLE_CLASSES", [refuse], raising=False)
            answer = app.get("/auth/me/")
        assert (answer.status_code, answer["Retry-After"]) == (429, "7")
        assert app.get("/auth/me/").status_code == 200


def noting(name: str) -> Any:
    """Return an operation of the cache that is noted, with its key, before it is done."""

    def operation(self: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        Recorded.done.append((name, key))
        return getattr(LocMemCache, name)(self, key, *args, **kwargs)

    return operation


class Recorded(LocMemCache):
    """A cache that knows what was done with it."""

    done: list[tuple[str, Any]] = []
    incr, add, get, set = map(noting, ("incr", "add", "get", "set"))


@pytest.fixture
def done(settings: Any) -> list[tuple[str, Any]]:
    """All that is done with the cache."""
    settings.CACHES = {"default": {"BACKEND": "tests.test_throttles.Recorded"}}
    settings.TOKENAUTH_THROTTLE_RATES = {}
    cache.clear()
    Recorded.done.clear()
    return Recorded.done


class TestCost:
    @pytest.mark.parametrize(
        ("name", "operations"),
        [
            ("me", {"incr": 1}),
            ("sessions", {"incr": 1}),
            ("refresh", {"incr": 1}),
            ("refresh_by_cookie", {"incr": 1}),
            ("refresh_malformed", {"incr": 1}),
            ("refresh_forged", {"incr": 2}),
            ("refresh_missing", {}),
            ("logout", {"incr": 1}),
        ],
    )
    def test_is_one_operation(
        self,
        app: Api,
        browser: Api,
        done: list[tuple[str, Any]],
        name: str,
        operations: dict[str, int],
    ) -> None:
        """One increase counts a request, the first of a window aside."""
        token = str(app.refresh_token)
        forged = token[:-1] + ("A" if token[-1] != "A" else "Q")
        requests: dict[str, Callable[[], Any]] = {
            "me": lambda: app.get("/auth/me/"),
            "sessions": lambda: app.get("/auth/sessions/"),
            "refresh": app.refresh,
            "refresh_by_cookie": browser.refresh,
            "refresh_malformed": lambda: Api().refresh("x"),
            "refresh_forged": lambda: Api().refresh(forged),
            "refresh_missing": lambda: Api().refresh(),
            "logout": lambda: app.logout(bearer=False),
        }
        requests[name]()
        done.clear()
        requests[name]()
        assert Counter(what for what, _key in done) == operations

    def test_of_the_first_in_a_window_is_two(self, app: Api, done: list[tuple[str, Any]]) -> None:
        """There is no key to increase, so it is added."""
        app.refresh()
        assert [what for what, _key in done] == ["incr", "add"]

    def test_keys_tell_nothing(
        self, app: Api, user: Any, done: list[tuple[str, Any]], settings: Any
    ) -> None:
        """No address, user or session can be read from them, or found by trying all."""
        app.get("/auth/me/")
        first = [key for _what, key in done]
        assert all(key.startswith("tokenauth.rate.") and len(key) < 60 for key in first)
        done.clear()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "other" * 20, [settings.SECRET_KEY]
        app.get("/auth/me/")
        assert not {key for _what, key in done} & set(first)

    def test_is_in_the_cache_of_the_setting(self, app: Api, settings: Any) -> None:
        """The project may keep its counts apart."""
        backend = "django.core.cache.backends.locmem.LocMemCache"
        settings.CACHES = {
            name: {"BACKEND": backend, "LOCATION": name} for name in ("default", "counts")
        }
        settings.TOKENAUTH_THROTTLE_CACHE = "counts"
        app.get("/auth/me/")
        counted: Any = caches["counts"]
        untouched: Any = caches["default"]
        assert (len(counted._cache), len(untouched._cache)) == (1, 0)


class TestLog:
    def test_says_once_that_a_limit_was_reached(
        self, app: Api, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One line in a window, which names nobody."""
        limit(settings, session="1/min")
        statuses(5, lambda: app.get("/auth/me/"))
        records = [record for record in caplog.records if record.name == "tokenauth.throttling"]
        assert [record.getMessage() for record in records] == [
            "a client has reached the limit session"
        ]
