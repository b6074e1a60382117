from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from tests.conftest import Api, Clock
from tokenauth import conf
from tokenauth.conf import DEFAULT_CLIENTS, DEFAULT_RATES, SETTINGS, Client, config
from tokenauth.exceptions import UnknownClient
from tokenauth.tokens.keys import derive_key, generate_jwk, load_refresh_keys, load_signing_keys

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEY, OTHER_KEY = bytes(range(40)), bytes(range(40, 80))
KINDS = ("refresh", "access")
SECRET, OLD_SECRET = "new" * 20, "old" * 20


def gate(_request: Any, _user: Any) -> None:
    """Let everybody pass."""


def verify(_request: Any, _user: Any, _answer: Any) -> None:
    """Refuse every answer."""


# By setting: the property, its default, and another value as it is set and as it is read.
PLAIN: dict[str, tuple[str, Any, Any, Any]] = {
    "ACCESS_TOKEN_LIFETIME": ("access_token_lifetime", 5 * MINUTE, MINUTE, MINUTE),
    "IDLE_LIFETIME": ("idle_lifetime", 14 * DAY, DAY, DAY),
    "ABSOLUTE_LIFETIME": ("absolute_lifetime", 30 * DAY, 60 * DAY, 60 * DAY),
    "GRACE_PERIOD": ("grace_period", timedelta(seconds=30), MINUTE, MINUTE),
    "EVENT_RETENTION": ("event_retention", 365 * DAY, 90 * DAY, 90 * DAY),
    "FAILED_LOGIN_RETENTION": ("failed_login_retention", 90 * DAY, 30 * DAY, 30 * DAY),
    "PERSONAL_DATA_RETENTION": ("personal_data_retention", None, 30 * DAY, 30 * DAY),
    "ADDRESSES": ("addresses", "full", "off", "off"),
    "USER_AGENTS": ("user_agents", "full", "off", "off"),
    "ACCESS_TOKEN_CHECK": ("access_token_check", "session", "other", "other"),
    "THROTTLE_CACHE": ("throttle_cache", "default", "other", "other"),
    "SECURITY_EMAILS": ("security_emails", (), ("reuse",), ("reuse",)),
    "SITE_URL": ("site_url", None, "https://example.com", "https://example.com"),
    "END_SESSIONS_ON": ("end_sessions_on", (), ["email"], ("email",)),
    "REVOKE_MAX_AGE": ("revoke_max_age", None, MINUTE, MINUTE),
    "GUESSING": (
        "guessing",
        {"pair": 5, "account": 20, "address": 30},
        {"account": 50},
        {"pair": 5, "account": 50, "address": 30},
    ),
    "ACCOUNT_KEY": ("account_key", None, f"{__name__}.gate", gate),
    "THROTTLE_RATES": (
        "throttle_rates",
        DEFAULT_RATES,
        {"refresh": "7/s", "refused": None},
        {**DEFAULT_RATES, "refresh": "7/s", "refused": None},
    ),
    "ISSUER": ("issuer", None, "https://example.com", "https://example.com"),
    "AUDIENCE": ("audience", None, "api", "api"),
    "REFRESH_COOKIE_NAME": ("refresh_cookie_name", None, "__Secure-x", "__Secure-x"),
    "REFRESH_COOKIE_PATH": ("refresh_cookie_path", None, "/", "/"),
    "REFRESH_COOKIE_SAMESITE": ("refresh_cookie_samesite", "Strict", "Lax", "Lax"),
    "REFRESH_COOKIE_SECURE": ("refresh_cookie_secure", None, True, True),
    "ACCESS_COOKIE": ("access_cookie", False, True, True),
    "LOGIN_GATE": ("login_gate", None, f"{__name__}.gate", gate),
    "SECOND_STEP": ("second_step", None, f"{__name__}.verify", verify),
    "ADMIN_USER_PAGES": ("admin_user_pages", True, False, False),
    "TRUSTED_PROXIES": (
        "trusted_proxies",
        (),
        ["10.0.0.0/8", "::1"],
        (ip_network("10.0.0.0/8"), ip_network("::1/128")),
    ),
}


def kids(keys: Any) -> list[Any]:
    """Return the names of keys, in order."""
    return [key.kid for key in keys.keys]


@pytest.mark.parametrize("name", PLAIN)
class TestProperties:
    def test_have_defaults(self, name: str) -> None:
        """A project that sets nothing gets these."""
        prop, default, _, _ = PLAIN[name]
        assert getattr(config, prop) == default

    def test_are_read_when_they_are_used(self, name: str) -> None:
        """A setting counts from the moment it is set, and no longer than it is."""
        prop, default, value, read = PLAIN[name]
        with override_settings(**{f"TOKENAUTH_{name}": value}):
            assert getattr(config, prop) == read
        assert getattr(config, prop) == default


class TestSettings:
    def test_are_those_that_are_read(self) -> None:
        """The list that the checks know is the list of what the modules read."""
        source = "".join(path.read_text() for path in Path(conf.__file__).parent.glob("*.py"))
        assert sorted(SETTINGS) == sorted(
            {line.split('"')[1] for line in source.splitlines() if 'self._read("' in line}
        )

    def test_are_all_tested_here(self) -> None:
        """None is without a test of its default."""
        assert set(SETTINGS) == {*PLAIN, "SIGNING_KEYS", "REFRESH_KEYS", "CLIENTS"}


class TestSigningKeys:
    def test_are_derived_by_default(self) -> None:
        """HS256, with a key that is not SECRET_KEY but made from it."""
        (key,) = config.signing_keys.keys
        assert key.algorithm == "HS256"
        assert key.material == derive_key(settings.SECRET_KEY, "access-token")

    def test_follow_the_fallbacks(self) -> None:
        """A new SECRET_KEY signs, and the old one in the fallbacks verifies."""
        with override_settings(SECRET_KEY=OLD_SECRET):
            (old,) = kids(config.signing_keys)
        with override_settings(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=[OLD_SECRET]):
            new, verifier = kids(config.signing_keys)
        assert (verifier == old, new == old) == (True, False)

    def test_are_the_settings_alone(self) -> None:
        """With a list of its own, nothing derived from SECRET_KEY verifies."""
        jwk = generate_jwk("ES256")
        with override_settings(TOKENAUTH_SIGNING_KEYS=[jwk, KEY]):
            assert kids(config.signing_keys) == kids(load_signing_keys([jwk, KEY]))

    @pytest.mark.parametrize("empty", [[], ()])
    def test_of_an_empty_list_are_derived(self, empty: Any) -> None:
        """Empty means default, never a server without keys."""
        default = kids(config.signing_keys)
        with override_settings(TOKENAUTH_SIGNING_KEYS=empty):
            assert kids(config.signing_keys) == default


class TestRefreshKeys:
    def test_are_derived_by_default(self) -> None:
        """From SECRET_KEY, for this purpose: not the key that signs access tokens."""
        (key,) = config.refresh_keys.keys
        assert key.secret == derive_key(settings.SECRET_KEY, "refresh-token")
        assert key.secret != config.signing_keys.current.material

    def test_follow_the_fallbacks(self) -> None:
        """A new SECRET_KEY makes tokens, and the old one in the fallbacks verifies."""
        with override_settings(SECRET_KEY=OLD_SECRET):
            old = config.refresh_keys.current.secret
        with override_settings(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=[OLD_SECRET]):
            new, verifier = (key.secret for key in config.refresh_keys.keys)
        assert (verifier == old, new == old) == (True, False)

    def test_are_the_settings_alone(self) -> None:
        """With a list of its own, nothing derived from SECRET_KEY verifies."""
        with override_settings(TOKENAUTH_REFRESH_KEYS=[KEY, OTHER_KEY]):
            assert config.refresh_keys == load_refresh_keys((KEY, OTHER_KEY))


class TestNewSecretKey:
    def test_ends_no_session(self, browser: Api) -> None:
        """With the old one in the fallbacks, requests and refreshes go on."""
        with override_settings(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
            assert browser.whoami().status_code == 200
            assert browser.refresh().status_code == 200
            assert browser.whoami().status_code == 200

    def test_ends_every_session_without_the_old_one(self, browser: Api) -> None:
        """Without the fallback nothing that was issued is accepted."""
        with override_settings(SECRET_KEY=SECRET):
            assert browser.whoami().status_code == 401
            assert browser.refresh().status_code == 401


class TestOwnKeys:
    def test_before_the_derived_ones_end_no_session(self, browser: Api, clock: Clock) -> None:
        """A project moves to keys of its own as docs/settings.md says, and nobody is logged out."""
        derived = {name: derive_key(settings.SECRET_KEY, f"{name}-token") for name in KINDS}
        with override_settings(
            TOKENAUTH_REFRESH_KEYS=[KEY, derived["refresh"]],
            TOKENAUTH_SIGNING_KEYS=[OTHER_KEY, derived["access"]],
        ):
            assert browser.whoami().status_code == 200
            clock.advance(seconds=40)
            assert browser.refresh().status_code == 200
            assert browser.whoami().status_code == 200
        # What has rotated meanwhile is of the new key.
        assert browser.refresh().json()["code"] == "refresh_invalid"

    def test_alone_end_every_session(self, browser: Api) -> None:
        """Without the derived key behind them, no token is known."""
        with override_settings(TOKENAUTH_REFRESH_KEYS=[KEY]):
            assert browser.refresh().json()["code"] == "refresh_invalid"


class TestClients:
    own: dict[str, dict[str, Any]] = {
        "sensor": {
            "transport": "body",
            "access_lifetime": 10 * MINUTE,
            "idle_lifetime": 40 * DAY,
            "absolute_lifetime": 90 * DAY,
            "login": False,
            "limit": 3,
        },
        "browser": {"transport": "cookie"},
    }

    def test_are_browser_and_app_by_default(self) -> None:
        """One for each transport."""
        found = {name: client.transport for name, client in config.clients.items()}
        assert found == {"browser": "cookie", "app": "body"}

    def test_have_what_they_set(self) -> None:
        """Each key of an entry is a field of the client."""
        with override_settings(TOKENAUTH_CLIENTS=self.own):
            assert config.client("sensor") == Client("sensor", **self.own["sensor"])

    def test_have_the_projects_lifetimes_otherwise(self) -> None:
        """What an entry leaves out is the project's, as it is set now."""
        with override_settings(TOKENAUTH_CLIENTS=self.own, TOKENAUTH_IDLE_LIFETIME=DAY):
            expected = Client("browser", "cookie", 5 * MINUTE, DAY, 30 * DAY, login=True)
            assert config.client("browser") == expected

    def test_begin_with_the_default(self) -> None:
        """A login that names none gets the first of the mapping."""
        with override_settings(TOKENAUTH_CLIENTS=self.own):
            assert config.client(None).name == "sensor"

    @pytest.mark.parametrize("name", ["", "Browser", "nobody"])
    def test_are_known_by_name_only(self, name: str) -> None:
        """Another name is an error, never the default."""
        with pytest.raises(UnknownClient):
            config.client(name)

    def test_by_default_cannot_be_changed_by_accident(self) -> None:
        """What is read is made anew each time."""
        config.clients.clear()
        assert list(config.clients) == list(DEFAULT_CLIENTS)


class TestLifetimesOf:
    def test_a_client_are_its_own(self) -> None:
        """Sessions follow the client that they were started for."""
        with override_settings(TOKENAUTH_CLIENTS=TestClients.own):
            assert config.idle_lifetime_of("sensor") == 40 * DAY
            assert config.access_lifetime_of("sensor") == 10 * MINUTE

    def test_a_client_that_is_gone_are_the_projects(self) -> None:
        """Removing a client from the settings does not break its living sessions."""
        assert config.idle_lifetime_of("gone") == 14 * DAY
        assert config.access_lifetime_of("gone") == 5 * MINUTE

    def test_access_tokens_are_bounded_by_the_longest(self) -> None:
        """No token that claims to live longer than any client's is ours."""
        assert config.longest_access_lifetime == 5 * MINUTE
        with override_settings(TOKENAUTH_CLIENTS=TestClients.own):
            assert config.longest_access_lifetime == 10 * MINUTE
