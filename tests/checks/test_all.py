import importlib
import pkgutil
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import CheckMessage, Error, run_checks
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

import tokenauth.checks
from tests.checks import messages, problems, setting
from tests.conftest import Api
from tokenauth.checks import CHECKS, DEPLOY_CHECKS
from tokenauth.checks.problem import Problem
from tokenauth.conf import SETTINGS
from tokenauth.middleware import TokenAuthMiddleware

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "settings.md"
MODULES = [
    importlib.import_module(f"tokenauth.checks.{info.name}")
    for info in pkgutil.iter_modules(tokenauth.checks.__path__)
]
PROBLEMS = [
    value for module in MODULES for value in vars(module).values() if isinstance(value, Problem)
]
OURS = settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]
JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1.5, float("nan"), 10**30, object(), object, len),
    *("", "x", "/", "a b", "\x00", "\ud800", "None", "x" * 5000, b"", b"x" * 40, bytearray(40)),
    *([], (), {}, set(), [None], [[]], [{}], [""], ["x"], [b"x"], [bytearray(40)], [object()]),
    *({"x": None}, {None: {}}, {"x": {}}, {"x": {"transport": []}}, {"": {"transport": "body"}}),
    *([{1: 2, "kid": object()}], ['{"kty":'], [{"kid": "a", "alg": "ES256", "kty": "EC"}]),
    *(timedelta(0), timedelta(seconds=-1), timedelta.max, timedelta.min, timedelta(seconds=1)),
]
CLIENT_KEYS = [
    *("transport", "access_lifetime", "idle_lifetime", "absolute_lifetime"),
    *("login", "limit", "x"),
]


def is_accepted(found: list[CheckMessage]) -> bool:
    """Return whether a server would start."""
    return not any(isinstance(message, Error) for message in found)


def works() -> bool:
    """Return whether the first client there is can log in and refresh."""
    api = Api()
    return [api.login().status_code, api.refresh().status_code] == [200, 200]


def start() -> None:
    """Do what a server does when it starts."""
    TokenAuthMiddleware(lambda _request: HttpResponse())


class TestCatalogue:
    def test_numbers_are_unique(self) -> None:
        """No two problems share a number: silencing one must not silence another."""
        counted = Counter(problem.number for problem in PROBLEMS)
        assert counted
        assert set(counted.values()) == {1}

    def test_numbers_have_the_form_that_django_knows(self) -> None:
        """Every id is the app's label with E or W and three digits."""
        assert all(re.fullmatch(r"[EW]\d{3}", problem.number) for problem in PROBLEMS)

    def test_every_problem_says_what_to_do(self) -> None:
        """No message comes without a hint."""
        assert all(problem.text and problem.hint for problem in PROBLEMS)

    def test_every_problem_is_in_the_docs(self) -> None:
        """The page about settings names every number."""
        text = DOCS.read_text()
        assert [problem.number for problem in PROBLEMS if problem.number not in text] == []

    def test_every_setting_is_in_the_docs(self) -> None:
        """The page about settings has a row for every setting."""
        text = DOCS.read_text()
        assert [name for name in SETTINGS if f"| `TOKENAUTH_{name}`" not in text] == []

    def test_every_check_is_registered(self) -> None:
        """Django runs each of them: at every command, or with --deploy."""
        assert set(CHECKS) <= registry.registered_checks
        assert set(DEPLOY_CHECKS) <= registry.deployment_checks

    def test_every_check_function_is_listed(self) -> None:
        """No check is written and forgotten."""
        written = {
            value
            for module in MODULES
            for name, value in vars(module).items()
            if name.startswith("check_") and value.__module__ == module.__name__
        }
        assert written == {*CHECKS, *DEPLOY_CHECKS}


class TestDefaults:
    def test_pass(self) -> None:
        """A project that sets nothing has nothing to put right, in production either."""
        assert problems(deploy=True) == []


@pytest.mark.parametrize("name", SETTINGS)
class TestJunk:
    def test_is_refused_or_works(self, name: str, user: Any) -> None:
        """Whatever is in a setting: no check raises, and what the checks accept serves requests."""
        broken = []
        for junk in JUNK:
            with override_settings(**setting(name, junk)):
                if is_accepted(run_checks(tags=["tokenauth"])) and not works():
                    broken.append(ascii(junk))
        assert broken == []

    def test_in_production_is_no_exception(self, name: str) -> None:
        """The deployment checks do not raise either."""
        found = [messages(deploy=True, **setting(name, junk)) for junk in JUNK]
        assert len(found) == len(JUNK)


class TestAnyClients:
    values = st.sampled_from(["cookie", "body", *JUNK])
    entries = st.dictionaries(st.sampled_from(CLIENT_KEYS), values) | values
    names = st.sampled_from(["app", "", "x" * 65, None, 1, ("a",), b"app", "\n"])

    @given(clients=st.dictionaries(names, entries))
    def test_never_raise(self, clients: dict[Any, Any]) -> None:
        """Whatever the clients are made of, the checks answer with messages."""
        assert isinstance(messages(deploy=True, TOKENAUTH_CLIENTS=clients), list)


class TestSecrets:
    def test_are_in_no_message(self) -> None:
        """Whatever is wrong with keys, no message or hint quotes them."""
        secret = "tellnobody" * 5
        raw = secret.encode()
        jwk = {"kid": "a", "alg": "HS256", "kty": "oct", "k": secret, "tellnobody": object()}
        weak: dict[str, Any] = {
            "SECRET_KEY": secret,
            "SECRET_KEY_FALLBACKS": [secret[:20], ""],
            "deploy": True,
        }
        found = [
            *messages(TOKENAUTH_SIGNING_KEYS=[raw], TOKENAUTH_REFRESH_KEYS=[raw], **weak),
            *messages(TOKENAUTH_SIGNING_KEYS=[jwk], TOKENAUTH_REFRESH_KEYS=[raw[:20]], **weak),
            *messages(TOKENAUTH_SIGNING_KEYS=secret, TOKENAUTH_REFRESH_KEYS=[secret], **weak),
            *messages(**weak),
        ]
        numbers = {str(message.id)[-4:] for message in found}
        assert numbers == {"E020", "E021", "E022", "E023", "E024", "E025"}
        assert "tellnobody" not in "".join(map(str, found))


class TestMiddleware:
    def test_refuses_an_error(self) -> None:
        """No server starts on a setting that a check refuses."""
        with (
            override_settings(TOKENAUTH_GRACE_PERIOD=30),
            pytest.raises(ImproperlyConfigured, match="E010"),
        ):
            start()

    def test_starts_in_spite_of_a_warning(self) -> None:
        """A warning is for the one who runs the checks; the server starts."""
        rest = {"DEFAULT_AUTHENTICATION_CLASSES": ["tests.checks.test_project.Other", *OURS]}
        with override_settings(REST_FRAMEWORK=rest):
            start()

    def test_leaves_the_deployment_checks_alone(self) -> None:
        """What only --deploy refuses does not stop a developer's server."""
        with override_settings(TOKENAUTH_REFRESH_COOKIE_SECURE=False):
            start()

    def test_honours_silenced_checks(self) -> None:
        """A project that knows better can say so, by number."""
        with override_settings(
            TOKENAUTH_GRACE_PERIOD=timedelta(hours=1),
            SILENCED_SYSTEM_CHECKS=["tokenauth.E012"],
        ):
            start()
