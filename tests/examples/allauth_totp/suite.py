"""django-allauth's TOTP and recovery codes in our login. Run by tests/test_examples.py."""

import base64
import hmac
import struct
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.core.management import call_command

from tests.conftest import Api
from tokenauth.models import AuthSession

PATH = "/auth/login/second-step/"
SECRET = base64.b32encode(b"twenty bytes of key.").decode()


def code(steps: int = 0) -> str:
    """Return the code that an app shows now, or so many steps later (RFC 6238, RFC 4226)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.digest(base64.b32decode(SECRET), counter, "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


@pytest.fixture
def codes(user: User) -> list[str]:
    """Ada has set up her app; her recovery codes."""
    TOTP.activate(user, SECRET)
    return list(RecoveryCodes.activate(user).get_unused_codes())


def challenge(api: Api, **more: Any) -> dict[str, Any]:
    """Send the password, which is not enough; return the challenge."""
    response = api.login(**more)
    assert (response.status_code, response.json()["code"]) == (401, "mfa_required")
    found: dict[str, Any] = response.json()["challenge"]
    return found


def second(api: Api, token: str, answer: Any) -> Any:
    """Send the code."""
    sent = {"challenge": token, "code": answer}
    return api._keep(api.post(PATH, sent, bearer=False))


def test_checks_pass(db: None) -> None:
    """The gate is what the check beside allauth.mfa asks for."""
    call_command("check", fail_level="WARNING")


def test_without_a_second_factor(user: User, api: Api) -> None:
    """Who has set up none logs in by the password alone."""
    assert api.login().json()["session"]["amr"] == ["pwd"]


@pytest.mark.req("REQ-13")
def test_totp(codes: list[str], api: Api) -> None:
    """Password and code: a session whose access token says so."""
    found = challenge(api)
    assert found["methods"] == ["recovery_codes", "totp"]
    assert not AuthSession.objects.exists()
    answer = second(api, found["token"], code())
    assert answer.json()["session"]["amr"] == ["pwd", "otp", "mfa"]
    assert api.whoami().json() == {"username": "ada"}
    assert api.refresh().status_code == 200
    assert Authenticator.objects.get(type="totp").last_used_at is not None


def test_app(codes: list[str], api: Api) -> None:
    """A body client has the refresh token in the answer."""
    found = challenge(api, client="app")
    assert "refresh" in second(api, found["token"], code()).json()


@pytest.mark.parametrize(
    "wrong", ["000000", "", "12345678901", None, 5, [], {"a": 1}, "٣", "\ud800"]
)
def test_wrong_code(codes: list[str], api: Api, wrong: Any) -> None:
    """Whatever else is sent is no code, and no 5xx."""
    assert wrong != code()
    answer = second(api, challenge(api)["token"], wrong)
    assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")
    assert not AuthSession.objects.exists()


def test_a_code_works_once(codes: list[str], api: Api, new_api: Any) -> None:
    """Who has looked over a shoulder, and knows the password, is too late."""
    shown = code()
    assert second(api, challenge(api)["token"], shown).status_code == 200
    thief = new_api()
    token = challenge(thief)["token"]
    assert second(thief, token, shown).status_code == 401
    assert second(thief, token, code(1)).status_code == 200


def test_recovery_code(codes: list[str], api: Api, new_api: Any) -> None:
    """Each of them once, and the others still."""
    assert second(api, challenge(api)["token"], codes[3]).status_code == 200
    again = new_api()
    token = challenge(again)["token"]
    assert second(again, token, codes[3]).status_code == 401
    assert second(again, token, codes[4]).status_code == 200


@pytest.mark.req("REQ-09")
def test_allauths_rate_limit(codes: list[str], api: Api, settings: Any) -> None:
    """After five wrong codes a new challenge does not give five more: the right one has to wait."""
    settings.TOKENAUTH_GUESSING = None  # ours would say so first
    token = challenge(api)["token"]
    for _ in range(5):
        second(api, token, "000000")
    assert second(api, challenge(api)["token"], code()).status_code == 401


def test_security_key_alone(user: User, api: Api) -> None:
    """Who has only what this recipe cannot verify is not let in by the password."""
    Authenticator.objects.create(user=user, type="webauthn", data={})
    found = challenge(api)
    assert found["methods"] == ["webauthn"]
    assert second(api, found["token"], "000000").status_code == 401


def test_turned_off_meanwhile(codes: list[str], api: Api) -> None:
    """The old code opens nothing; the next login asks for none."""
    token, shown = challenge(api)["token"], code()
    Authenticator.objects.all().delete()
    assert second(api, token, shown).status_code == 401
    assert api.login().status_code == 200
