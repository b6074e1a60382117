"""The secrets of refresh tokens, given or derived."""

import hashlib
import hmac

import pytest

from tests.tokens.forging import SECRET, numbered
from tests.tokens.test_keys import OTHER, pem
from tokenauth.tokens.keys import KeyProblem, derive_key, load_refresh_keys


class TestDeriveKey:
    def test_is_hmac_of_the_purpose(self):
        """Computed again from its description."""
        expected = hmac.new(b"secret", b"tokenauth.access-token.v1", hashlib.sha256).digest()
        assert derive_key("secret", "access-token") == expected
        assert derive_key(b"secret", "access-token") == expected

    @pytest.mark.req("REQ-112")
    def test_purposes_share_nothing(self):
        """The key of one purpose says nothing of the key of another, nor of the secret."""
        made = {derive_key("secret", purpose) for purpose in ("a", "b", "a.v1", "", "access-token")}
        assert len(made) == 5
        assert all(len(key) == 32 for key in made)

    def test_a_purpose_applied_twice_is_not_the_other(self):
        """Deriving from a derived key leads to neither of the first keys."""
        access, refresh = (
            derive_key("s" * 50, "access-token"),
            derive_key("s" * 50, "refresh-token"),
        )
        assert derive_key(access, "refresh-token") not in {access, refresh}

    def test_takes_any_text_as_secret(self):
        """A SECRET_KEY with a lone surrogate, read from a broken environment, is still a key."""
        assert len(derive_key("\ud800", "access-token")) == 32


class TestLoadRefreshKeys:
    def test_the_first_makes_tokens(self):
        """The list is ordered."""
        assert load_refresh_keys((SECRET, OTHER)).current.secret == SECRET

    def test_a_name_does_not_depend_on_the_position(self):
        """Two hosts with lists in different order name their keys alike."""
        one, two = load_refresh_keys((SECRET, OTHER)), load_refresh_keys((OTHER, SECRET))
        assert {key.secret: key.kid for key in one.keys} == {
            key.secret: key.kid for key in two.keys
        }

    def test_finds_none_of_another_name(self):
        """A kid that no key has finds nothing."""
        loaded = load_refresh_keys((SECRET,))
        other = (loaded.current.kid + 1) % 256
        assert loaded.with_kid(other) == ()

    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize(
        "secrets",
        numbered(
            [
                *((), ("a" * 64,), ([1],), (None,), (bytearray(SECRET),), tuple(SECRET)),
                *((b"",), (SECRET[:31],), (bytes(64),), (b"1234567" * 9,), (SECRET, b"short")),
                (pem(),),
            ]
        ),
    )
    def test_refuses_what_is_no_secret(self, secrets):
        """None, not bytes, too short, repetitive, or a PEM file; in any place of the list."""
        with pytest.raises(KeyProblem):
            load_refresh_keys(secrets)

    @pytest.mark.req("REQ-111")
    def test_hides_its_secrets(self):
        """``repr`` of the list and of a key shows no secret."""
        shown = repr(load_refresh_keys((SECRET,)))
        assert "kid=" in shown
        assert repr(SECRET)[2:-1] not in shown
