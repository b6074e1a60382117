from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signing import Signer, TimestampSigner

from tests.conftest import Clock
from tokenauth.exceptions import SecondStepFailed
from tokenauth.second_step import Challenge, NewChallenge, make_challenge, methods_of
from tokenauth.serializers import MAX_CREDENTIAL

BACKEND = "django.contrib.auth.backends.ModelBackend"


def make(user: Any, **more: Any) -> NewChallenge:
    """Make a challenge for a browser."""
    user.backend = BACKEND
    given = {"client": "browser", "remember": True, "device_name": "", **more}
    return make_challenge(user, **given)


def read(made: NewChallenge) -> Challenge:
    """Read it again."""
    return Challenge.read(made.token)


class TestMakeChallenge:
    def test_says_what_was_proved(self, user: User, clock: Clock) -> None:
        """For whom, by which backend, when, and how the session is to be."""
        found = read(make(user, client="app", remember=False, device_name="kitchen"))
        assert (found.user_key, found.backend) == (str(user.pk), BACKEND)
        assert found.proved_at == clock().timestamp()
        assert (found.client, found.remember, found.device_name) == ("app", False, "kitchen")

    @pytest.mark.req("REQ-126")
    def test_hides_what_opens_the_login(self, user: User) -> None:
        """Neither token nor nonce is in repr()."""
        made = make(user)
        assert made.token not in repr(made)
        assert made.nonce not in repr(made)

    def test_says_nothing_of_the_password(self, user: User) -> None:
        """Neither its hash nor the session auth hash can be read in it."""
        found = str(read(make(user)))
        assert user.password not in found
        assert user.get_session_auth_hash() not in found

    def test_fits_into_a_request(self) -> None:
        """With the longest of everything, in characters that JSON writes longest."""
        longest = make(User(pk="9" * 255), client="🔑" * 64, device_name="🔑" * 100)
        assert len(longest.token) <= MAX_CREDENTIAL

    def test_is_another_each_time(self, user: User, clock: Clock) -> None:
        """Two logins at one moment have two challenges."""
        assert read(make(user)).id != read(make(user)).id


class TestRead:
    @pytest.mark.parametrize("signer", [Signer(), Signer(salt="other"), TimestampSigner()])
    def test_takes_no_signature_of_another_purpose(self, user: User, signer: Any) -> None:
        """What the project signs for itself is no challenge."""
        payload = Signer(salt="tokenauth.second_step.1").unsign_object(make(user).token)
        with pytest.raises(SecondStepFailed):
            Challenge.read(signer.sign_object(payload))

    @pytest.mark.parametrize("token", ["", ":", "a:b", ".x:y", "🔑", "\u0000", "x" * 4096])
    def test_garbage(self, token: str) -> None:
        """Whatever is sent is refused, never an error."""
        with pytest.raises(SecondStepFailed):
            Challenge.read(token)

    @pytest.mark.parametrize("place", [0, 40, -1])
    def test_a_changed_character(self, user: User, place: int) -> None:
        """Payload and signature hold together."""
        token = list(make(user).token)
        token[place] = "A" if token[place] != "A" else "B"
        with pytest.raises(SecondStepFailed):
            Challenge.read("".join(token))


class TestMethodsOf:
    @pytest.mark.parametrize(
        ("second", "methods"),
        [
            (["otp"], ("pwd", "otp", "mfa")),
            (("hwk", "user"), ("pwd", "hwk", "user", "mfa")),
            (("sms", "mca"), ("pwd", "sms", "mca", "mfa")),
            (("mfa", "otp"), ("pwd", "mfa", "otp")),
            (("pin",), ("pwd", "pin")),
            (("kba",), ("pwd", "kba")),
            (("pwd",), ("pwd",)),
            (("own-word",), ("pwd", "own-word")),
        ],
    )
    def test_is_mfa_with_a_second_factor(self, second: list[str], methods: tuple[str, ...]) -> None:
        """What one has or is beside what one knows; a second thing that one knows is none."""
        assert methods_of(second) == methods
