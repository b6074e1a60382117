"""Key lists: what is accepted, what is refused, and that no message holds a key."""

import base64
import hashlib
import json
import traceback
from types import MappingProxyType
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519

from tests.tokens.forging import ASYMMETRIC, SECRET, jwk, keys, numbered
from tokenauth.tokens.jws import read_jws, sign_jws
from tokenauth.tokens.keys import (
    ALGORITHMS,
    KeyProblem,
    generate_jwk,
    load_signing_keys,
)

OTHER = SECRET[::-1]
PUBLIC_NAMES = {"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"}


def public(full: dict[str, Any]) -> dict[str, Any]:
    """Return the public half of a JWK."""
    return {name: value for name, value in full.items() if name in PUBLIC_NAMES}


def octets(secret: bytes, **changes: Any) -> dict[str, Any]:
    """Return an HS256 secret as a JWK."""
    text = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    return {"kty": "oct", "k": text, "kid": "hs", "alg": "HS256", **changes}


def named(algorithm: str, key: dict[str, Any]) -> dict[str, Any]:
    """Return a bare JWK with a name and an algorithm."""
    return {**key, "kid": "k1", "alg": algorithm}


def rsa_jwk(bits: int, exponent: int = 65537) -> dict[str, Any]:
    """Return an RSA key of a size that generate_jwk would not make."""
    key = rsa.generate_private_key(public_exponent=exponent, key_size=bits)
    return named("RS256", jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True))


def ec_jwk(curve: ec.EllipticCurve) -> dict[str, Any]:
    """Return a key on another curve, that claims ES256."""
    key = ec.generate_private_key(curve)
    return named("ES256", jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True))


def okp_jwk(key: Any) -> dict[str, Any]:
    """Return an Ed448 or X25519 key, that claims EdDSA."""
    algorithm = jwt.algorithms.OKPAlgorithm
    if isinstance(key, ed448.Ed448PrivateKey):
        return named("EdDSA", algorithm.to_jwk(key, as_dict=True))
    raw = [
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (key.public_key().public_bytes_raw(), key.private_bytes_raw())
    ]
    return named("EdDSA", {"kty": "OKP", "crv": "X25519", "x": raw[0], "d": raw[1]})


def pem() -> bytes:
    """Return a public key as a PEM file."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


class TestLoadSigningKeys:
    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    @pytest.mark.parametrize("form", [dict, json.dumps, MappingProxyType])
    def test_loads_a_jwk_as_mapping_or_as_text(self, algorithm, form):
        """A settings file may hold a dict, and an environment variable JSON."""
        key = load_signing_keys([form(jwk(algorithm))]).current
        assert (key.kid, key.algorithm, key.can_sign) == (jwk(algorithm)["kid"], algorithm, True)

    def test_loads_a_secret_as_bytes_or_as_jwk(self):
        """HS256, both ways with the same secret."""
        by_bytes, by_jwk = load_signing_keys([SECRET, octets(SECRET)]).keys
        assert by_bytes.material == by_jwk.material == SECRET
        assert (by_bytes.algorithm, by_jwk.algorithm, by_jwk.kid) == ("HS256", "HS256", "hs")

    @pytest.mark.req("REQ-107")
    def test_names_a_secret_by_its_digest(self):
        """The kid of bytes is 96 bits of a digest: neither a position nor a part of the key."""
        digest = hashlib.sha256(b"tokenauth.kid.v1" + SECRET).digest()
        kid = load_signing_keys([OTHER, SECRET]).keys[1].kid
        assert kid == base64.urlsafe_b64encode(digest[:12]).decode()

    def test_loads_public_keys_that_only_verify(self):
        """After the first, a public half is enough."""
        loaded = load_signing_keys([SECRET, public(jwk("ES256"))])
        assert [key.can_sign for key in loaded.keys] == [True, False]
        token = sign_jws({"a": 1}, keys("ES256"))
        assert read_jws(token, loaded) == {"a": 1}

    def test_the_same_list_is_loaded_once(self):
        """Settings are read at every request; keys are parsed once."""
        assert load_signing_keys([jwk("RS256")]) is load_signing_keys([dict(jwk("RS256"))])

    def test_finds_by_the_exact_name(self):
        """A comparison of strings: no prefix, no case, no other type."""
        loaded = load_signing_keys([octets(SECRET, kid="Key")])
        assert loaded.find("Key") is loaded.current
        others: list[Any] = ["key", "Ke", "Key ", "", None, b"Key", 0, ["Key"], {"Key": 1}]
        assert [loaded.find(kid) for kid in others] == [None] * len(others)

    @pytest.mark.req("REQ-111")
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_hides_its_material(self, algorithm):
        """``repr`` shows name and algorithm, and nothing of the key."""
        shown = repr(keys(algorithm))
        assert algorithm in shown
        assert "material" not in shown

    def test_refuses_an_empty_list(self):
        """There is no key of the process: without a key, nothing starts."""
        with pytest.raises(KeyProblem):
            load_signing_keys([])

    def test_refuses_two_keys_of_one_name(self):
        """A name must lead to one key, and so to one algorithm."""
        with pytest.raises(KeyProblem, match="kid"):
            load_signing_keys([octets(SECRET), named("ES256", jwk("ES256")) | {"kid": "hs"}])

    def test_refuses_a_first_key_that_cannot_sign(self):
        """The first key signs."""
        with pytest.raises(KeyProblem, match="private"):
            load_signing_keys([public(jwk("ES256")), SECRET])

    @pytest.mark.parametrize(
        "entry",
        numbered(
            [
                *("", "{", "null", "[]", "5", '"text"', "[" * 100_000, None, 5, [1], ["kid"]),
                *(bytearray(SECRET), {"kid": "a", "alg": "HS256", "k": SECRET}, {1: 2, "kid": "a"}),
                pem().decode(),
            ]
        ),
    )
    def test_refuses_what_is_no_key(self, entry):
        """Whatever stands in the settings is a KeyProblem, never another exception."""
        with pytest.raises(KeyProblem):
            load_signing_keys([entry])

    @pytest.mark.parametrize("kid", [None, "", 5, ["a"], "x" * 129])
    def test_refuses_a_jwk_without_a_good_name(self, kid):
        """Missing, empty, no string, or long enough to fill a header."""
        with pytest.raises(KeyProblem, match="kid"):
            load_signing_keys([octets(SECRET, kid=kid)])

    @pytest.mark.req("REQ-55")
    @pytest.mark.parametrize(
        "algorithm",
        [None, "", "none", "HS512", "RS512", "PS256", "ES384", "es256", "Ed25519", ["ES256"], {}],
    )
    def test_refuses_a_jwk_without_a_known_algorithm(self, algorithm):
        """Each key has exactly one algorithm, of a short list."""
        with pytest.raises(KeyProblem, match="alg"):
            load_signing_keys([{**jwk("ES256"), "alg": algorithm}])

    @pytest.mark.req("REQ-55")
    @pytest.mark.parametrize("kind", ASYMMETRIC)
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_refuses_an_algorithm_of_another_kind_of_key(self, kind, algorithm):
        """An RSA key never does for ES256, and no public key for HS256."""
        entry = {**jwk(kind), "alg": algorithm}
        if kind == algorithm:
            assert load_signing_keys([entry]).current.algorithm == algorithm
            return
        with pytest.raises(KeyProblem):
            load_signing_keys([entry])

    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize(
        "secret", numbered([b"", SECRET[:31], bytes(32), b"secret!" * 10, pem()])
    )
    @pytest.mark.parametrize("form", [bytes, octets])
    def test_refuses_a_weak_secret(self, secret, form):
        """Empty, shorter than the hash, repetitive, or the public half of a pair."""
        with pytest.raises(KeyProblem):
            load_signing_keys([form(secret)])

    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize("make", [dict, public])
    @pytest.mark.parametrize(("bits", "exponent"), [(1024, 65537), (2040, 65537), (2048, 3)])
    def test_refuses_a_weak_rsa_key(self, make, bits, exponent):
        """Below 2048 bits, or a small public exponent: private or public."""
        with pytest.raises(KeyProblem, match="RS256 needs"):
            load_signing_keys([SECRET, make(rsa_jwk(bits, exponent))])

    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize("exponent", ["AQ", "Ag", "", "AA"])
    def test_refuses_a_degenerate_exponent(self, exponent):
        """1 signs anything with the message itself (RFC 8725 section 3.5)."""
        with pytest.raises(KeyProblem):
            load_signing_keys([SECRET, public(jwk("RS256")) | {"e": exponent}])

    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize("make", [dict, public])
    @pytest.mark.parametrize("curve", [ec.SECP384R1, ec.SECP521R1, ec.SECP256K1])
    def test_refuses_another_curve(self, make, curve):
        """ES256 is P-256; secp256k1 has the same size and is another algorithm."""
        with pytest.raises(KeyProblem, match="P-256"):
            load_signing_keys([SECRET, make(ec_jwk(curve()))])

    @pytest.mark.req("REQ-112")
    @pytest.mark.parametrize("changes", [("y", "x"), ("x", "y")])
    def test_refuses_a_point_off_the_curve(self, changes):
        """An invalid point would leak or accept what no honest key does."""
        target, source = changes
        full = jwk("ES256")
        with pytest.raises(KeyProblem):
            load_signing_keys([SECRET, public(full) | {target: full[source]}])

    @pytest.mark.parametrize("key", [ed448.Ed448PrivateKey, x25519.X25519PrivateKey])
    def test_refuses_another_edwards_or_montgomery_curve(self, key):
        """EdDSA here is Ed25519."""
        with pytest.raises(KeyProblem):
            load_signing_keys([okp_jwk(key.generate())])

    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    def test_refuses_halves_that_do_not_belong_together(self, algorithm):
        """A private half of another pair would sign what nobody can verify."""
        with pytest.raises(KeyProblem):
            load_signing_keys([jwk(algorithm) | {"d": generate_jwk(algorithm)["d"]}])

    @pytest.mark.req("REQ-111")
    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    @pytest.mark.parametrize("damage", [{"kty": "oct"}, {"kty": "?"}, {"x": "AA", "n": "AA"}])
    def test_a_problem_does_not_quote_the_key(self, algorithm, damage):
        """Neither the message nor the traceback of a malformed key holds its private half."""
        damaged = jwk(algorithm) | damage
        secrets = {value for name, value in jwk(algorithm).items() if name not in PUBLIC_NAMES}
        with pytest.raises(KeyProblem) as raised:
            load_signing_keys([SECRET, damaged])
        shown = "".join(traceback.format_exception(raised.value))
        assert secrets
        assert not [secret for secret in secrets if secret in shown]
