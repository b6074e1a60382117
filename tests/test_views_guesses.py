"""Guesses at ``login/`` and ``reauthenticate/``, as a client sees them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.test import override_settings

from tests.conftest import PASSWORD, Api, Clock
from tests.jar import cookies_of
from tokenauth.models import AuthEvent, EventType

DEVICE = "__Secure-tokenauth-device"
HOME, CAFE = "192.0.2.1", "198.51.100.7"

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.any_database]

Make = Callable[..., Api]


def asks_for_a_code(_request: Any, _user: Any) -> dict[str, Any]:
    """Ask everybody for a second step."""
    return {"methods": ["totp"]}


def fail(new_api: Make, times: int, username: str = "ada", ip: str = HOME) -> Any:
    """Fail so often from a browser that nobody knows; return the last answer."""
    stranger = new_api(REMOTE_ADDR=ip)
    return [stranger.login(username, "wrong") for _ in range(times)][-1]


def attack(new_api: Make) -> None:
    """Guess at Ada's account from twenty addresses."""
    for number in range(20):
        assert fail(new_api, 1, ip=f"10.0.0.{number}").status_code == 401


def laptop(new_api: Make, ip: str = HOME, **more: Any) -> Api:
    """Return a browser that Ada has logged in with."""
    browser = new_api(REMOTE_ADDR=ip)
    assert browser.login(**more).status_code == 200
    return browser


class TestLogin:
    @pytest.mark.req("REQ-09", "REQ-134")
    def test_is_throttled_after_five_failures(self, user: User, new_api: Make) -> None:
        """429 with the seconds to wait, in the contract's words."""
        fail(new_api, 5)
        answer = fail(new_api, 1)
        assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
        assert answer["Retry-After"] == "1"
        assert answer["Cache-Control"] == "no-store"

    @pytest.mark.req("REQ-09")
    def test_refuses_the_right_password_too(self, user: User, new_api: Make, clock: Clock) -> None:
        """A refusal says nothing about the password, and the wait is worth it."""
        fail(new_api, 5)
        ada = new_api(REMOTE_ADDR=HOME)
        assert ada.login().status_code == 429
        clock.advance(seconds=1)
        assert ada.login().status_code == 200

    @pytest.mark.req("REQ-03", "REQ-09")
    @pytest.mark.parametrize("name", ["ada", "nobody", "idle"])
    def test_is_throttled_alike_for_every_account(
        self, user: User, new_api: Make, name: str
    ) -> None:
        """One that exists, one that does not, one that is not active: byte for byte."""
        get_user_model().objects.create_user("idle", password=PASSWORD, is_active=False)
        answers = [fail(new_api, 1, name) for _ in range(7)]
        refusal = answers[-1]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert refusal.content == (
            b'{"detail":"Too many requests. Try again later.","code":"throttled"}'
        )
        assert not refusal.cookies

    def test_computes_no_hash_for_a_refusal(
        self, user: User, new_api: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever floods it with guesses does not burn the processors."""
        fail(new_api, 5)
        calls: list[Any] = []
        monkeypatch.setattr("tokenauth.views.guesses.check_credentials", calls.append)
        assert fail(new_api, 3).status_code == 429
        assert not calls

    @pytest.mark.parametrize("name", ["ada", "nobody"])
    def test_asks_no_database_for_a_refusal(
        self, user: User, new_api: Make, django_assert_num_queries: Any, name: str
    ) -> None:
        """No row is written, so an attacker's INSERTs end with the first refusal."""
        fail(new_api, 5, name)
        with django_assert_num_queries(0):
            assert fail(new_api, 3, name).status_code == 429

    def test_counts_no_request_that_is_no_guess(self, user: User, new_api: Make) -> None:
        """What is malformed, or from another site, does not delay the owner."""
        api = new_api(REMOTE_ADDR=HOME)
        for _ in range(6):
            assert api.post("/auth/login/", {"username": "ada"}).status_code == 400
        forged = new_api(REMOTE_ADDR=HOME, enforce_csrf_checks=True)
        for _ in range(6):
            assert forged.login().status_code == 403
        assert api.login().status_code == 200

    def test_counts_a_guess_whose_answer_was_an_error(
        self, user: User, new_api: Make, received: Any
    ) -> None:
        """A receiver of the project that fails makes no guess free."""
        received(user_login_failed, fails=True)
        answers = [fail(new_api, 1) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [500] * 5 + [429]

    def test_takes_a_long_name(self, user: User, new_api: Make) -> None:
        """4,096 letters, each of which is eighteen when it is folded."""
        answers = [fail(new_api, 1, "\ufdfa" * 4096) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]

    def test_that_is_not_finished_makes_no_place_known(self, user: User, new_api: Make) -> None:
        """A right password without the second step lets nobody in while there is an attack."""
        with override_settings(TOKENAUTH_LOGIN_GATE=f"{__name__}.asks_for_a_code"):
            half = new_api(REMOTE_ADDR=HOME)
            assert half.login().json()["code"] == "mfa_required"
            assert DEVICE not in half.http.cookies
            attack(new_api)
            assert half.login().status_code == 429

    def test_may_be_left_to_something_else(self, user: User, new_api: Make) -> None:
        """With None nothing is counted, and no device cookie is set."""
        with override_settings(TOKENAUTH_GUESSING=None):
            assert fail(new_api, 150).status_code == 401
            assert DEVICE not in laptop(new_api).http.cookies


class TestOwner:
    @pytest.mark.req("REQ-09")
    def test_is_locked_out_at_one_address_only(self, user: User, new_api: Make) -> None:
        """Failures from A up to the limit, and the login from B is let in."""
        fail(new_api, 5, ip=HOME)
        assert new_api(REMOTE_ADDR=HOME).login().status_code == 429
        assert new_api(REMOTE_ADDR=CAFE).login().status_code == 200

    @pytest.mark.req("REQ-09")
    def test_logs_in_with_the_device_from_anywhere(self, user: User, new_api: Make) -> None:
        """During an attack from everywhere, and from the very address that attacks."""
        browser = laptop(new_api)
        attack(new_api)
        assert new_api(REMOTE_ADDR=CAFE).login().status_code == 429
        browser.http.defaults["REMOTE_ADDR"] = CAFE
        assert browser.login().status_code == 200

    def test_logs_in_with_the_device_beside_the_attacker(self, user: User, new_api: Make) -> None:
        """The attacker shares the address, by one router."""
        browser = laptop(new_api)
        fail(new_api, 5)
        assert new_api(REMOTE_ADDR=HOME).login().status_code == 429
        assert browser.login().status_code == 200

    @pytest.mark.req("REQ-09")
    def test_logs_in_with_an_app_at_the_known_address(self, user: User, new_api: Make) -> None:
        """A client without cookies is known by where it has logged in."""
        laptop(new_api, client="app")
        attack(new_api)
        assert new_api(REMOTE_ADDR=HOME).login(client="app").status_code == 200
        attack(new_api)
        assert new_api(REMOTE_ADDR=CAFE).login(client="app").status_code == 429

    def test_is_no_owner_of_another_account_s_device(self, user: User, new_api: Make) -> None:
        """An attacker's own device is no way around the counters."""
        get_user_model().objects.create_user("mallory", password=PASSWORD)
        attacker = laptop(new_api, ip=CAFE, username="mallory")
        attack(new_api)
        assert attacker.login("ada", "wrong").status_code == 429

    def test_is_no_owner_of_an_account_that_is_spelt_alike(
        self, user: User, new_api: Make, clock: Clock
    ) -> None:
        """Where ``Ada`` is another account, its devices get no guesses at ``ada``."""
        User.objects.create_user("ADA", password=PASSWORD)
        attacker = laptop(new_api, ip=CAFE, username="ADA")
        attack(new_api)
        assert attacker.login("ada", "wrong").status_code == 429


class TestDeviceCookie:
    def device(self, answer: Any) -> Any:
        """Return the device cookie that an answer sets, or ``None``."""
        return next((each for each in cookies_of(answer) if each.name == DEVICE), None)

    @pytest.mark.req("REQ-75")
    def test_has_the_refresh_cookie_s_attributes(self, user: User, api: Api) -> None:
        """And lives for a year."""
        cookie = self.device(api.login())
        assert cookie.attributes == (DEVICE, "/auth/", None, True, True, "Strict")
        assert cookie.max_age == 365 * 24 * 3600

    def test_takes_the_host_prefix_with_the_root(self, user: User, api: Api) -> None:
        """As the refresh cookie does."""
        with override_settings(TOKENAUTH_REFRESH_COOKIE_PATH="/"):
            names = [cookie.name for cookie in cookies_of(api.login())]
        assert "__Host-Http-tokenauth-device" in names

    def test_has_no_prefix_on_a_developer_s_machine(self, user: User, api: Api) -> None:
        """Plain http under DEBUG, and it is read back."""
        with override_settings(DEBUG=True):
            assert "tokenauth-device" in [cookie.name for cookie in cookies_of(api.login())]
            assert "tokenauth-device" not in [cookie.name for cookie in cookies_of(api.login())]

    def test_is_set_once(self, user: User, api: Api) -> None:
        """A second login finds it, and sends none."""
        api.login()
        assert self.device(api.login()) is None

    def test_is_set_again_for_another_account(self, user: User, api: Api) -> None:
        """The same device, which then knows both."""
        get_user_model().objects.create_user("bob", password=PASSWORD)
        first = self.device(api.login()).value
        both = self.device(api.login("bob")).value
        assert both.partition(".")[0] == first.partition(".")[0]
        assert self.device(api.login()) is None

    @pytest.mark.parametrize("options", [{"remember": False}, {"client": "app"}], ids=str)
    def test_is_for_browsers_that_remember(self, user: User, api: Api, options: Any) -> None:
        """A computer at a library keeps nothing, and an app has no cookies."""
        assert self.device(api.login(**options)) is None

    def test_is_never_set_by_a_failure(self, user: User, api: Api) -> None:
        """A failed login says nothing, by no header either."""
        assert self.device(api.login(password="wrong")) is None

    def test_is_left_by_logout(self, user: User, api: Api) -> None:
        """The browser stays the owner's."""
        api.login()
        assert self.device(api.logout()) is None

    def test_is_never_enough(self, user: User, api: Api, new_api: Make) -> None:
        """It authenticates nobody, anywhere."""
        api.login()
        thief = new_api()
        thief.http.cookies[DEVICE] = api.http.cookies[DEVICE].value
        assert thief.login(password="wrong").status_code == 401
        assert thief.refresh().json()["code"] == "refresh_missing"
        assert thief.get("/auth/me/").status_code == 401

    def test_that_is_forged_changes_nothing(self, user: User, new_api: Make) -> None:
        """Garbage in it is no error, and the next login replaces it."""
        browser = new_api(REMOTE_ADDR=HOME)
        browser.http.cookies[DEVICE] = "x" * 3000
        assert self.device(browser.login()) is not None

    def test_survives_a_change_of_the_secret_key(
        self, user: User, new_api: Make, settings: Any
    ) -> None:
        """By SECRET_KEY_FALLBACKS; the login that it lets in replaces it."""
        browser = laptop(new_api)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "other" * 10
        attack(new_api)
        browser.http.defaults["REMOTE_ADDR"] = CAFE
        answer = browser.login()
        assert answer.status_code == 200
        assert self.device(answer) is not None


class TestReauthenticate:
    def prove(self, api: Api, password: str = "wrong") -> Any:
        """Send a password to step up."""
        return api.post("/auth/reauthenticate/", {"password": password})

    @pytest.mark.req("REQ-09", "REQ-134")
    def test_is_throttled_after_five_failures(self, browser: Api) -> None:
        """Whoever holds somebody's access token cannot guess the password with it."""
        answers = [self.prove(browser) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert self.prove(browser, PASSWORD).status_code == 429

    def test_is_its_session_s_own(self, browser: Api, new_api: Make) -> None:
        """An attack on the login does not keep the owner from it, nor another session's thief."""
        for _ in range(5):
            self.prove(browser)
        phone = laptop(new_api, client="app")
        attack(new_api)
        phone.http.defaults["REMOTE_ADDR"] = CAFE
        assert self.prove(phone, PASSWORD).status_code == 200

    def test_begins_anew_after_a_success(self, browser: Api) -> None:
        """As the login does."""
        for _ in range(4):
            self.prove(browser)
        assert browser._keep(self.prove(browser, PASSWORD)).status_code == 200
        assert [self.prove(browser).status_code for _ in range(5)] == [401] * 5


class TestEvents:
    def test_one_row_says_that_a_counter_delays(self, user: User, new_api: Make) -> None:
        """Beside the rows of the failures, and no row for a refusal."""
        fail(new_api, 20)
        kinds = list(AuthEvent.objects.order_by("pk").values_list("type", flat=True))
        assert kinds.count(EventType.LOGIN_FAILED) == 5
        assert kinds.count(EventType.THROTTLED) == 1
        assert len(kinds) == 6
