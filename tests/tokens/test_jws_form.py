"""One compact form, one spelling, and a cap on its length."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens.forging import ASYMMETRIC, SECRET, claims, forge, header, jwk, keys, segment
from tests.tokens.test_encoding import ALPHABET
from tests.tokens.test_jws import HS256, refuse
from tokenauth.tokens import jws
from tokenauth.tokens.jws import MAX_TOKEN_LENGTH, read_jws, sign_jws
from tokenauth.tokens.keys import ALGORITHMS, load_signing_keys


class TestForm:
    @pytest.mark.req("REQ-60")
    @pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
    def test_accepts_one_form_only(self, algorithm):
        """Compact JWS of three segments; every other form of the very same token is refused."""
        raw = sign_jws(claims(), keys(algorithm))
        head, body, tail = raw.split(".")
        general = {"payload": body, "signatures": [{"protected": head, "signature": tail}]}
        flat = {"payload": body, "protected": head, "signature": tail}
        forms = [
            *("", ".", "..", "...", "....", head, body, f"{head}.{body}", f"{head}.{body}."),
            *(f".{body}.{tail}", f"{head}..{tail}", f"{raw}.", f".{raw}", f"{raw}.{tail}"),
            *(f"{head}.{body}.{tail}.{head}.{body}", f"{head}....{tail}", f"{{{raw}}}", f'"{raw}"'),
            *(json.dumps(general), json.dumps(flat), json.dumps([raw]), f"Bearer {raw}"),
            *(f" {raw}", f"{raw} ", f"{raw}\n", f"\n{raw}", f"{head} .{body}.{tail}", f"{raw}\x00"),
            *(f"{head}\u2024{body}\u2024{tail}", raw.replace(".", ","), raw.replace(".", "%2e")),
            *(f"{raw},{raw}", f"{raw} {raw}", "\ufeff" + raw, raw.upper(), raw.swapcase()),
        ]
        assert read_jws(raw, keys(algorithm)) == claims()
        for form in forms:
            refuse(form, keys(algorithm))

    @pytest.mark.req("REQ-60")
    def test_refuses_an_encrypted_token(self):
        """JWE, with a header that names our key."""
        for alg in ("dir", "RSA-OAEP", "A128KW", "HS256"):
            head = segment({**header(HS256, alg=alg), "enc": "A128GCM"})
            refuse(f"{head}.{segment(b'key')}.{segment(b'iv')}.{segment(b'text')}.{segment(b't')}")

    @pytest.mark.req("REQ-60")
    def test_refuses_a_nested_token(self):
        """A token in a token, though both signatures are right."""
        refuse(forge(HS256, header(HS256), sign_jws(claims(), keys("HS256"))))

    @pytest.mark.req("REQ-65")
    def test_refuses_every_change_of_one_character(self):
        """Every position of a whole token by every character that a token can hold, and =."""
        raw = sign_jws(claims(), keys("HS256"))
        for position, right in enumerate(raw):
            for character in f"{ALPHABET}.=":
                if character != right:
                    refuse(f"{raw[:position]}{character}{raw[position + 1 :]}")

    @pytest.mark.req("REQ-65")
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("place", [0, 1, 2])
    @pytest.mark.parametrize("more", ["=", "==", " ", "\n", "\t", "\x00", "A", "é", "%3D"])
    def test_refuses_more_at_the_end_of_a_segment(self, algorithm, place, more):
        """PyJWT 2.15 accepts padding on the signature, which defeats lists of raw tokens."""
        segments = sign_jws(claims(), keys(algorithm)).split(".")
        segments[place] += more
        refuse(".".join(segments), keys(algorithm))

    @given(st.text(max_size=300))
    def test_refuses_any_text(self, raw):
        """No exception but the one."""
        refuse(raw)


class TestSize:
    @pytest.mark.req("REQ-63")
    def test_accepts_the_largest(self):
        """The control: a token of exactly the cap is read."""
        raw = self.token_of(MAX_TOKEN_LENGTH)
        assert read_jws(raw, keys("HS256"))["sub"] == "7"

    @pytest.mark.req("REQ-63")
    @pytest.mark.parametrize("size", [MAX_TOKEN_LENGTH + 1, 10_000_000])
    def test_refuses_what_is_larger_before_decoding(self, size, monkeypatch):
        """One character above the cap, and ten megabytes, of a token with a right signature."""
        raw = self.token_of(size)
        decoded: list[str] = []
        monkeypatch.setattr(jws, "decode_base64url", decoded.append)
        refuse(raw)
        assert decoded == []

    def token_of(self, size: int) -> str:
        """Return a token with a right signature and exactly this length."""
        empty = len(json.dumps(claims(pad=""), separators=(",", ":")))
        for spaces in range(2):
            head = json.dumps(header(HS256)) + " " * spaces
            room = size - len(segment(head)) - len("..") - 43
            if room % 4 != 1:  # no bytes encode to such a length
                break
        raw = forge(HS256, head, claims(pad="x" * (room * 3 // 4 - empty)))
        assert len(raw) == size
        return raw


class TestCost:
    def test_one_signature_is_checked_however_many_keys_there_are(self, monkeypatch):
        """And none for a token that names none of them: garbage is cheap."""
        checked: list[str] = []
        original = jws._Backend.is_signed

        def count(backend: jws._Backend, signing_input: bytes, signature: bytes) -> bool:
            checked.append(backend.algorithm)
            return original(backend, signing_input, signature)

        monkeypatch.setattr(jws._Backend, "is_signed", count)
        everything = load_signing_keys([SECRET, *(jwk(name) for name in ASYMMETRIC)])
        raw = sign_jws(claims(), keys("ES256"))
        assert read_jws(raw, everything) == claims()
        assert checked == ["ES256"]
        refuse(raw)
        refuse("a.b.c", everything)
        assert checked == ["ES256"]
