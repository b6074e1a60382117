"""New keys, as ``manage.py tokenauth_key`` prints them."""

import pytest
from joserfc.jwk import import_key

from tests.tokens.forging import ASYMMETRIC, jwk, keys
from tokenauth.tokens.jws import read_jws, sign_jws
from tokenauth.tokens.keys import KeyProblem, generate_jwk


class TestGenerateJwk:
    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    def test_signs_and_verifies(self, algorithm):
        """A key that was made can be used as it is."""
        assert read_jws(sign_jws({"a": 1}, keys(algorithm)), keys(algorithm)) == {"a": 1}

    @pytest.mark.req("REQ-107")
    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    def test_is_named_by_its_thumbprint(self, algorithm):
        """RFC 7638, computed by another library."""
        made = jwk(algorithm)
        assert made["kid"] == import_key(made).thumbprint()

    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    def test_says_what_it_is_for(self, algorithm):
        """``alg`` and ``use``, and no ``key_ops`` that would contradict the public half."""
        made = jwk(algorithm)
        assert (made["alg"], made["use"]) == (algorithm, "sig")
        assert "key_ops" not in made

    def test_each_is_new(self):
        """Two calls, two keys."""
        assert generate_jwk("EdDSA")["kid"] != generate_jwk("EdDSA")["kid"]

    @pytest.mark.req("REQ-112")
    def test_rsa_keys_have_3072_bits(self):
        """128 bits of strength."""
        assert keys("RS256").current.public_material.key_size == 3072

    @pytest.mark.parametrize("algorithm", ["HS256", "none", "", "RS512", "es256"])
    def test_refuses_another_algorithm(self, algorithm):
        """A secret is made with os.urandom, and nothing else is supported."""
        with pytest.raises(KeyProblem):
            generate_jwk(algorithm)
