"""Base64url with one spelling."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenauth.tokens.encoding import decode_base64url, encode_base64url

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class TestEncodeBase64url:
    def test_has_no_padding_and_the_url_alphabet(self):
        """RFC 7515 appendix C: the example of the standard."""
        assert encode_base64url(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"

    def test_encodes_nothing_as_nothing(self):
        """No bytes are the empty text."""
        assert encode_base64url(b"") == ""


class TestDecodeBase64url:
    @given(st.binary(max_size=200))
    def test_returns_what_was_encoded(self, value):
        """Decoding undoes encoding, for any bytes."""
        assert decode_base64url(encode_base64url(value)) == value

    @given(st.text(alphabet=ALPHABET + "+/= \n\x00é", max_size=12))
    def test_accepts_one_spelling_only(self, text):
        """Whatever is accepted is exactly what encoding its value gives."""
        try:
            value = decode_base64url(text)
        except ValueError:
            return
        assert encode_base64url(value) == text

    @pytest.mark.req("REQ-65")
    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_accepts_one_last_character_of_those_that_share_its_bits(self, size):
        """Of the 64 last characters of a value, only those without unused bits are accepted."""
        text = encode_base64url(b"\xff" * size)
        accepted = 0
        for last in ALPHABET:
            try:
                decode_base64url(text[:-1] + last)
            except ValueError:
                continue
            accepted += 1
        assert accepted == {1: 4, 2: 16, 3: 64}[size]

    @pytest.mark.req("REQ-65")
    @pytest.mark.parametrize(
        "text",
        [
            *("_w==", "_w=", "=", "====", "_w\n", " _w", "_w ", "_ w", "\t", "\x00", "_w\x00"),
            *("/w", "+A", "_x", "A", "AAAAA", "_w.", "é", "\uff21\uff21", "\u0661\u0661", "\ud800"),
        ],
    )
    def test_refuses_other_spellings(self, text):
        """Padding, white space, other alphabets, unused bits, an impossible length."""
        with pytest.raises(ValueError, match="base64url"):
            decode_base64url(text)

    def test_the_url_alphabet_is_the_only_one(self):
        """A value in the standard alphabet is refused, though the bytes are the same."""
        standard = base64.b64encode(b"\xfb\xff\xfe").decode()
        assert standard == "+//+"
        with pytest.raises(ValueError, match="canonical"):
            decode_base64url(standard)
