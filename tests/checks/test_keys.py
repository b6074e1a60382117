import base64
import os
from typing import Any

import pytest
from django.conf import settings

from tests.checks import messages, problems, setting
from tokenauth.tokens.keys import generate_jwk

KEY_LISTS = ["SIGNING_KEYS", "REFRESH_KEYS"]
KEY = bytes(range(40))
OTHER_KEY = bytes(range(40, 80))
ES256 = generate_jwk("ES256")
PUBLIC = {name: value for name, value in ES256.items() if name != "d"}
GOOD_SECRET = "0123456789" * 5


def oct_jwk(secret: bytes) -> dict[str, Any]:
    """Return a symmetric key as a JWK."""
    k = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    return {"kty": "oct", "k": k, "alg": "HS256", "kid": "a"}


class TestLists:
    @pytest.mark.parametrize("name", KEY_LISTS)
    @pytest.mark.parametrize("value", [None, KEY, "x" * 40, {}, {KEY}, 0])
    def test_are_lists(self, name: str, value: Any) -> None:
        """One key without its list is refused: its characters would be the keys."""
        assert problems(**setting(name, value)) == ["E020"]

    @pytest.mark.parametrize("name", KEY_LISTS)
    @pytest.mark.parametrize("value", [[], (), [KEY], (KEY, OTHER_KEY)])
    def test_may_be_empty_or_hold_keys(self, name: str, value: Any) -> None:
        """Lists and tuples of good keys pass."""
        assert problems(deploy=True, **setting(name, value)) == []

    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize("name", KEY_LISTS)
    @pytest.mark.parametrize(
        "key", [b"", KEY[:31], b"a" * 40, "x" * 40, None, 7, [], bytearray(40)]
    )
    def test_hold_no_weak_key(self, name: str, key: Any) -> None:
        """A short, repetitive or wrongly typed key is refused, wherever it stands."""
        assert problems(**setting(name, [KEY, key])) == ["E021"]

    @pytest.mark.parametrize(
        "keys",
        [
            [PUBLIC],
            [ES256, ES256],
            [{**ES256, "alg": "none"}],
            [{**ES256, "alg": "RS256"}],
            [{**ES256, "kid": 1}],
            [{**ES256, "x": "AAAA"}],
            [{**ES256, "d": object()}],
            [{1: 2, "kid": "a"}],
        ],
        ids=["public first", "one kid", "none", "other alg", "kid", "off curve", "d", "names"],
    )
    def test_of_jwks_can_be_loaded(self, keys: list[Any]) -> None:
        """A list that cannot sign, or that has a malformed JWK, is refused."""
        assert problems(TOKENAUTH_SIGNING_KEYS=keys) == ["E021"]

    def test_say_what_is_wrong(self) -> None:
        """The message repeats the loader's reason."""
        (found,) = messages(TOKENAUTH_SIGNING_KEYS=[PUBLIC])
        assert "private half" in found.msg

    def test_of_jwks_may_hold_verifiers(self) -> None:
        """Public keys after the first pass."""
        keys = [generate_jwk("EdDSA"), PUBLIC]
        assert problems(deploy=True, TOKENAUTH_SIGNING_KEYS=keys) == []


class TestSecretKeyInAList:
    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize("name", KEY_LISTS)
    def test_is_refused(self, name: str) -> None:
        """A key that verifying services hold must not be the one that signs Django's sessions."""
        found = problems(**setting(name, [KEY, settings.SECRET_KEY.encode()]))
        assert found == ["E022"]

    def test_is_refused_from_the_fallbacks(self) -> None:
        """The fallbacks verify Django's signatures, so they count as well."""
        found = problems(
            SECRET_KEY_FALLBACKS=[GOOD_SECRET],
            **setting("REFRESH_KEYS", [KEY, GOOD_SECRET.encode()]),
        )
        assert found == ["E022"]

    def test_is_refused_as_a_jwk(self) -> None:
        """Writing it in base64url makes it no other key."""
        jwk = oct_jwk(settings.SECRET_KEY.encode())
        assert problems(TOKENAUTH_SIGNING_KEYS=[jwk]) == ["E022"]


class TestSharing:
    def test_of_a_key_is_refused(self) -> None:
        """Whoever verifies by HS256 holds the key: it must not make refresh tokens."""
        found = problems(
            TOKENAUTH_SIGNING_KEYS=[oct_jwk(KEY)], TOKENAUTH_REFRESH_KEYS=[OTHER_KEY, KEY]
        )
        assert found == ["E023"]


class TestDerivation:
    @pytest.mark.req("REQ-111")
    @pytest.mark.parametrize("secret", ["", None, 7])
    def test_needs_a_secret(self, secret: Any) -> None:
        """Without a SECRET_KEY there is nothing to derive keys from."""
        assert problems(SECRET_KEY=secret) == ["E024"]

    @pytest.mark.parametrize("fallbacks", [[""], [GOOD_SECRET, ""], GOOD_SECRET, None, [7], {}])
    def test_needs_secrets_as_fallbacks(self, fallbacks: Any) -> None:
        """An empty fallback, or the letters of a text, would verify what anybody can sign."""
        assert problems(SECRET_KEY_FALLBACKS=fallbacks) == ["E024"]

    @pytest.mark.parametrize(
        "secret", ["x" * 60, "abcdefghij" * 4, f"django-insecure-{'0123456789' * 5}"]
    )
    def test_needs_a_strong_secret_in_production(self, secret: str) -> None:
        """What startproject wrote, and what is short or repetitive, is for development."""
        assert problems(SECRET_KEY=secret) == []
        assert problems(SECRET_KEY=secret, deploy=True) == ["E025"]

    def test_needs_strong_fallbacks_in_production(self) -> None:
        """A fallback verifies tokens, so it must be as strong."""
        assert problems(SECRET_KEY_FALLBACKS=["short"], deploy=True) == ["E025"]

    def test_accepts_bytes(self) -> None:
        """Django allows SECRET_KEY to be bytes."""
        assert problems(SECRET_KEY=os.urandom(60), deploy=True) == []

    def test_is_not_looked_at_where_nothing_is_derived(self) -> None:
        """With keys of its own for both, the app does not depend on SECRET_KEY."""
        own = {"TOKENAUTH_SIGNING_KEYS": [ES256], "TOKENAUTH_REFRESH_KEYS": [KEY]}
        assert problems(SECRET_KEY="short", SECRET_KEY_FALLBACKS=[""], deploy=True, **own) == []

    @pytest.mark.parametrize(
        "own", [{"TOKENAUTH_SIGNING_KEYS": [ES256]}, {"TOKENAUTH_REFRESH_KEYS": [KEY]}]
    )
    def test_is_looked_at_while_either_list_is_empty(self, own: dict[str, Any]) -> None:
        """One list of its own is not enough."""
        assert problems(SECRET_KEY="short", deploy=True, **own) == ["E025"]
