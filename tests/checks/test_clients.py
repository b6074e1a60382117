import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import modify_settings
from django.urls import include, path

from tests.checks import messages, problems, setting
from tokenauth.views import LoginView

WITHOUT_LOGIN = (path("auth/", include("tokenauth.urls_without_login")),)
OWN_LOGIN = (*WITHOUT_LOGIN, path("start", LoginView.as_view()))
COOKIE = {"transport": "cookie"}
GATE = setting("LOGIN_GATE", "tests.checks.test_clients.gate")
not_a_function = "not a function"


def gate(_request: HttpRequest, _user: Any) -> None:
    """Let everybody pass."""


async def async_gate(_request: HttpRequest, _user: Any) -> None:
    """Let everybody pass, too late."""


class _AsyncGate:
    async def __call__(self, _request: HttpRequest, _user: Any) -> None:
        """Let everybody pass, too late."""


async_instance = _AsyncGate()


@pytest.fixture
def allauth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the two apps of django-allauth be importable, by name only: the checks ask no more."""
    for package in ("allauth", "allauth/mfa", "allauth/account"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for module in [name for name in sys.modules if name.partition(".")[0] == "allauth"]:
        del sys.modules[module]


class TestClients:
    @pytest.mark.parametrize("value", [None, {}, [], "app", ["app"], {"app"}])
    def test_are_a_mapping_with_one_at_least(self, value: Any) -> None:
        """Without any there is nobody to log in."""
        assert problems(TOKENAUTH_CLIENTS=value) == ["E050"]

    @pytest.mark.parametrize("name", ["", "x" * 65, None, 1, "a\nb", "\ud800", ("a",)], ids=ascii)
    def test_have_names_that_can_be_stored(self, name: Any) -> None:
        """The name goes into a column of 64 characters and into every access token."""
        assert problems(TOKENAUTH_CLIENTS={name: COOKIE}) == ["E051"]

    @pytest.mark.parametrize("name", ["x", "x" * 64, "Ada's own app", "приложение"])
    def test_have_any_printable_name(self, name: str) -> None:
        """1 to 64 printable characters pass."""
        assert problems(deploy=True, TOKENAUTH_CLIENTS={name: COOKIE}) == []

    @pytest.mark.parametrize("entry", [None, "cookie", [], 1])
    def test_are_mappings_each(self, entry: Any) -> None:
        """A bare transport is not a client."""
        assert problems(TOKENAUTH_CLIENTS={"app": entry}) == ["E052"]

    @pytest.mark.parametrize("key", ["limits", "Transport", "acess_lifetime", 1, None])
    def test_have_no_key_that_nobody_reads(self, key: Any) -> None:
        """A misspelt lifetime would be the default, unseen."""
        assert problems(TOKENAUTH_CLIENTS={"app": {**COOKIE, key: 1}}) == ["E053"]

    @pytest.mark.parametrize("transport", [None, "Cookie", "header", "", [], True])
    def test_have_a_transport(self, transport: Any) -> None:
        """How the refresh token travels is one of two words."""
        assert problems(TOKENAUTH_CLIENTS={"app": {"transport": transport}}) == ["E054"]

    def test_have_no_default_transport(self) -> None:
        """Whether a browser keeps the refresh token is never a guess."""
        assert problems(TOKENAUTH_CLIENTS={"app": {}}) == ["E054"]

    @pytest.mark.parametrize("login", [None, "False", 0, 1])
    def test_may_log_in_or_not(self, login: Any) -> None:
        """Text from the environment is not an answer: "False" would be yes."""
        clients = {"browser": COOKIE, "app": {**COOKIE, "login": login}}
        assert problems(TOKENAUTH_CLIENTS=clients) == ["E055"]

    @pytest.mark.parametrize("limit", [None, 0, -1, 1001, 10**30, 3.0, "3", True, [3]])
    def test_have_a_limit_that_can_be_kept(self, limit: Any) -> None:
        """No limit is said by no key: None or 0 from the environment might mean either."""
        assert problems(TOKENAUTH_CLIENTS={"app": {**COOKIE, "limit": limit}}) == ["E105"]

    @pytest.mark.parametrize("limit", [1, 3, 1000])
    def test_may_have_a_limit(self, limit: int) -> None:
        """One to a thousand sessions pass."""
        assert problems(deploy=True, TOKENAUTH_CLIENTS={"app": {**COOKIE, "limit": limit}}) == []

    def test_are_named_in_the_message(self) -> None:
        """The message says which client it is about."""
        (found,) = messages(TOKENAUTH_CLIENTS={"browser": COOKIE, "app": {}})
        assert "TOKENAUTH_CLIENTS['app']" in found.msg


class TestLogin:
    provisioned = {"sensor": {"transport": "body", "login": False}}

    def test_needs_a_client(self) -> None:
        """A login endpoint at which nobody may log in is a mistake."""
        assert problems(TOKENAUTH_CLIENTS=self.provisioned) == ["E056"]

    def test_needs_none_where_it_is_not_mounted(self) -> None:
        """A project that provisions its clients mounts no login."""
        found = problems(TOKENAUTH_CLIENTS=self.provisioned, ROOT_URLCONF=WITHOUT_LOGIN)
        assert found == []

    def test_needs_a_client_wherever_it_is_mounted(self) -> None:
        """The view counts, under whatever path and name."""
        found = problems(TOKENAUTH_CLIENTS=self.provisioned, ROOT_URLCONF=OWN_LOGIN)
        assert found == ["E056"]

    def test_needs_one_client_only(self) -> None:
        """Others may be kept from it."""
        clients = {**self.provisioned, "app": {"transport": "body"}}
        assert problems(TOKENAUTH_CLIENTS=clients) == []


class TestGate:
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "gate",
            "nowhere.gate",
            "tests.checks.test_clients.nothing",
            async_instance,
            False,
            1,
            [],
            ".",
        ],
    )
    def test_can_be_imported(self, value: Any) -> None:
        """An empty text, such as a variable that is not set, does not open the gate."""
        assert problems(**setting("LOGIN_GATE", value)) == ["E057"]

    def test_can_be_called(self) -> None:
        """What is imported must be a function."""
        found = problems(**setting("LOGIN_GATE", "tests.checks.test_clients.not_a_function"))
        assert found == ["E057"]

    @pytest.mark.parametrize("name", ["async_gate", "async_instance"])
    def test_is_not_async(self, name: str) -> None:
        """A coroutine is not None, so every login would be asked for a step that does not exist."""
        assert problems(**setting("LOGIN_GATE", f"tests.checks.test_clients.{name}")) == ["E058"]

    def test_may_be_a_plain_function(self) -> None:
        """A function of two arguments passes."""
        assert problems(deploy=True, **GATE) == []


class TestSecondSteps:
    def test_are_not_passed_by_beside_mfa(self, allauth: None) -> None:
        """The password alone must not pass where allauth would ask for a second factor."""
        with modify_settings(INSTALLED_APPS={"append": "allauth.mfa"}):
            assert problems() == ["E059"]

    @pytest.mark.parametrize("value", ["mandatory", "MANDATORY", True])
    def test_are_not_passed_by_beside_verification(self, allauth: None, value: Any) -> None:
        """Nor where it would ask for a verified address, in each way to say so."""
        with modify_settings(INSTALLED_APPS={"append": "allauth.account"}):
            assert problems(ACCOUNT_EMAIL_VERIFICATION=value) == ["E059"]

    @pytest.mark.parametrize("value", ["optional", "none", None, False])
    def test_do_not_exist_with_optional_verification(self, allauth: None, value: Any) -> None:
        """Its users are let in by the password too."""
        with modify_settings(INSTALLED_APPS={"append": "allauth.account"}):
            assert problems(ACCOUNT_EMAIL_VERIFICATION=value) == []

    def test_do_not_exist_without_allauth(self) -> None:
        """The setting alone, without the app, asks for nothing."""
        assert problems(ACCOUNT_EMAIL_VERIFICATION="mandatory") == []

    def test_are_each_named(self, allauth: None) -> None:
        """Both steps are two messages."""
        with modify_settings(INSTALLED_APPS={"append": ["allauth.mfa", "allauth.account"]}):
            assert problems(ACCOUNT_EMAIL_VERIFICATION="mandatory") == ["E059", "E059"]

    def test_are_the_gates_to_ask_for(self, allauth: None) -> None:
        """With a gate, the project has seen to it."""
        with modify_settings(INSTALLED_APPS={"append": "allauth.mfa"}):
            assert problems(**GATE) == []

    def test_are_not_passed_by_without_the_login(self, allauth: None) -> None:
        """A project that logs in through allauth itself needs no gate."""
        with modify_settings(INSTALLED_APPS={"append": "allauth.mfa"}):
            assert problems(ROOT_URLCONF=WITHOUT_LOGIN) == []
