"""What a payload may hold, and what a signature may be."""

import base64
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.tokens.forging import (
    ASYMMETRIC,
    SECRET,
    claims,
    forge,
    header,
    jwk,
    keys,
    numbered,
    signature,
    unsigned,
)
from tests.tokens.test_jws import DEEP, HS256, refuse
from tokenauth.tokens import jws
from tokenauth.tokens.encoding import encode_base64url
from tokenauth.tokens.jws import read_jws
from tokenauth.tokens.keys import SigningKey, load_signing_keys

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ES256 = keys("ES256").current


def hmac_secrets(key: SigningKey, algorithm: str) -> list[bytes]:
    """Return the forms in which a public key could be taken for an HMAC secret."""
    encoding, form = serialization.Encoding, serialization.PublicFormat
    pem = key.public_material.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo)
    der = key.public_material.public_bytes(encoding.DER, form.SubjectPublicKeyInfo)
    names = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")
    public = {name: value for name, value in jwk(algorithm).items() if name in names}
    number = public.get("x") or public["n"]
    return [
        pem,
        pem.strip(),
        pem.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + pem,
        der,
        base64.b64encode(der),
        json.dumps(public).encode(),
        json.dumps(public, separators=(",", ":"), sort_keys=True).encode(),
        json.dumps({"keys": [public]}).encode(),
        base64.urlsafe_b64decode(number + "=="),
        number.encode(),
        key.kid.encode(),
        b"",
    ]


class TestConfusion:
    @pytest.mark.req("REQ-56")
    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    @pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
    @pytest.mark.parametrize("form", range(13))
    def test_a_public_key_is_no_secret(self, algorithm, alg, form):
        """HMAC with any form of the public key, under its own algorithm and under the key's."""
        key = keys(algorithm).current
        secret = hmac_secrets(key, algorithm)[form]
        both = load_signing_keys([SECRET, jwk(algorithm)])
        for head in (header(key, alg=alg), header(key), header(HS256), header(HS256, alg=alg)):
            signing_input = unsigned(head, claims())
            signed = hmac.digest(secret, signing_input.encode(), f"sha{alg[2:]}")
            refuse(f"{signing_input}.{encode_base64url(signed)}", both)

    @pytest.mark.req("REQ-56")
    def test_the_real_secret_under_the_same_list_is_accepted(self):
        """The control: a list of both kinds accepts HMAC with its secret."""
        both = load_signing_keys([SECRET, jwk("ES256")])
        assert read_jws(forge(HS256, header(HS256), claims()), both) == claims()


class TestSignature:
    @pytest.mark.req("REQ-67")
    @pytest.mark.parametrize(
        ("r", "s"),
        [(r, s) for r in range(6) for s in range(6)],
    )
    def test_refuses_edge_values(self, r, s):
        """R = s = 0 verified anything in Java (CVE-2022-21449)."""
        edges = (0, 1, P256_ORDER - 1, P256_ORDER, P256_ORDER + 1, 2**256 - 1)
        self.refuse_es256(edges[r].to_bytes(32, "big") + edges[s].to_bytes(32, "big"))

    @pytest.mark.req("REQ-67")
    def test_refuses_other_encodings_of_a_right_signature(self):
        """DER, or one byte more or less, of a signature that verifies."""
        signing_input = unsigned(header(ES256), claims())
        right = signature(ES256, signing_input)
        assert read_jws(f"{signing_input}.{encode_base64url(right)}", keys("ES256")) == claims()
        r, s = int.from_bytes(right[:32], "big"), int.from_bytes(right[32:], "big")
        for other in (
            *(encode_dss_signature(r, s), right + b"\x00", b"\x00" + right, right[:-1], right[1:]),
            *(right[:32] + b"\x00" + right[32:], right[32:] + right[:32], right * 2, b""),
            *(bytes(1) + right[:32] + bytes(1) + right[32:], right[:32], bytes(64), bytes(128)),
        ):
            refuse(f"{signing_input}.{encode_base64url(other)}", keys("ES256"))

    @pytest.mark.req("REQ-67")
    @pytest.mark.parametrize("algorithm", [*ASYMMETRIC, "HS256"])
    def test_refuses_every_flipped_bit(self, algorithm):
        """Of the signature, byte by byte."""
        key = keys(algorithm).current
        signing_input = unsigned(header(key), claims())
        right = bytearray(signature(key, signing_input))
        for place in range(0, len(right), 1 if len(right) <= 64 else 16):
            right[place] ^= 1 << place % 8
            refuse(f"{signing_input}.{encode_base64url(bytes(right))}", keys(algorithm))
            right[place] ^= 1 << place % 8

    @pytest.mark.req("REQ-42")
    def test_accepts_the_twin_of_an_ecdsa_signature(self):
        """(r, n - s) is right by the standard: only the session can tell a token's end."""
        assert read_jws(twin(forge(ES256, header(ES256), claims())), keys("ES256")) == claims()

    @pytest.mark.parametrize("algorithm", [*ASYMMETRIC, "HS256"])
    def test_refuses_the_signature_of_another_token(self, algorithm):
        """A signature belongs to its claims and to its header."""
        key = keys(algorithm).current
        tail = forge(key, header(key), claims()).rpartition(".")[2]
        refuse(f"{unsigned(header(key), claims(sub='8'))}.{tail}", keys(algorithm))
        refuse(f"{unsigned(header(key, typ='AT+JWT'), claims())}.{tail}", keys(algorithm))

    def refuse_es256(self, value: bytes) -> None:
        """Assert that these bytes are no signature."""
        signing_input = unsigned(header(ES256), claims())
        refuse(f"{signing_input}.{encode_base64url(value)}", keys("ES256"))


class TestPayload:
    @pytest.mark.req("REQ-66")
    @pytest.mark.parametrize("name", ["sub", "exp", "sid", "gen", "unknown"])
    def test_refuses_a_name_given_twice(self, name):
        """PyJWT takes the last one, other libraries the first."""
        right = json.dumps(claims(unknown="x"))
        double = f'{{"{name}":"first",{right[1:]}'
        assert json.loads(double) == claims(unknown="x")
        refuse(forge(HS256, header(HS256), double))

    @pytest.mark.req("REQ-66")
    def test_refuses_a_name_given_twice_below_the_top(self):
        """In any object, however deep."""
        refuse(forge(HS256, header(HS256), json.dumps(claims())[:-1] + ',"a":[{"b":1,"b":1}]}'))

    @pytest.mark.req("REQ-64")
    @pytest.mark.parametrize("levels", [5_000, DEEP])
    @pytest.mark.parametrize("place", ["header", "payload"])
    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    @pytest.mark.parametrize("is_capped", [True, False])
    def test_refuses_deep_json(self, levels, place, opening, is_capped, monkeypatch):
        """A hundred thousand levels, also if the cap on the length were not there."""
        if not is_capped:
            monkeypatch.setattr(jws, "MAX_TOKEN_LENGTH", 10_000_000)
        deep = opening * levels
        head, body = (deep, claims()) if place == "header" else (header(HS256), deep)
        refuse(forge(HS256, head, body))

    @pytest.mark.parametrize(
        "body",
        numbered(
            [
                *("", " ", "null", "true", "7", '"text"', "[]", "[{}]", "{", "{}}", "{'a':1}"),
                *('{"a":1,}', "{a:1}", '{"a":01}', '{"a":+1}', '{"a":.5}', "//\n{}", "\x00{}"),
                *(
                    '{"a":NaN}',
                    '{"a":Infinity}',
                    '{"a":-Infinity}',
                    '{"a":"\n"}',
                    "{}\x00",
                    "{} {}",
                ),
                *(
                    b"\xef\xbb\xbf{}",
                    b"\xff\xfe{\x00}\x00",
                    b'{"a":"\xff"}',
                    b'{"a":"\xed\xa0\x80"}',
                ),
                *(
                    "{}".encode("utf-16"),
                    "{}".encode("utf-32"),
                    b"\x00{\x00}",
                    '{"a":' + "9" * 5000,
                ),
                '{"a":' + "9" * 5000 + "}",
            ]
        ),
    )
    def test_refuses_what_is_no_json_object(self, body):
        """Another type, another encoding, a BOM, white lies of lenient parsers."""
        refuse(forge(HS256, header(HS256), body))

    def test_accepts_an_object(self):
        """The control of the tests that refuse: the shape is all that is judged here."""
        assert read_jws(forge(HS256, header(HS256), "{}"), keys("HS256")) == {}


class TestForeign:
    @pytest.mark.parametrize(
        "raw",
        numbered(
            [
                *("", "opaque", "a.b.c", forge(HS256, {"alg": "HS256", "typ": "JWT"}, claims())),
                *(forge(HS256, header(HS256, kid="theirs"), claims()), "x" * 40),
            ]
        ),
    )
    def test_a_token_that_names_none_of_our_keys_is_foreign(self, raw):
        """It may be meant for the next authentication class."""
        assert refuse(raw).is_foreign

    @pytest.mark.parametrize(
        "make",
        numbered(
            [
                lambda: forge(keys("ES256").current, header(HS256), claims()),
                lambda: forge(HS256, header(HS256, alg="none"), claims()),
                lambda: forge(HS256, header(HS256), "no object"),
                lambda: forge(HS256, header(HS256), claims())[:-1],
                lambda: forge(HS256, header(HS256), claims(pad="x" * 9000)),
            ]
        ),
    )
    def test_a_token_that_names_our_key_is_ours_to_refuse(self, make):
        """A forged token must not get a second chance at a class that checks less."""
        assert not refuse(make()).is_foreign


def twin(raw: str) -> str:
    """Return an ES256 token with the other signature that verifies: (r, n - s)."""
    signing_input, _, tail = raw.rpartition(".")
    right: Any = base64.urlsafe_b64decode(tail + "==")
    s = P256_ORDER - int.from_bytes(right[32:], "big")
    return f"{signing_input}.{encode_base64url(right[:32] + s.to_bytes(32, 'big'))}"
