"""The form and the signature: every fault is refused, with the real key where there is one."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.tokens.forging import (
    ABSENT,
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
from tokenauth.exceptions import AccessInvalid
from tokenauth.tokens.encoding import encode_base64url
from tokenauth.tokens.jws import read_jws, sign_jws
from tokenauth.tokens.keys import ALGORITHMS, load_signing_keys

HS256 = keys("HS256").current
DEEP = 100_000
OBSERVED = ("open", "socket.", "sqlite3.", "urllib.", "subprocess.", "os.system")


class Observer:
    """Which files and sockets this thread opens while it is on."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.seen: list[str] = []

    def __call__(self, event: str, args: Any) -> None:
        """Take an audit event of the interpreter (PEP 578); a late import is none of ours."""
        if self.thread != threading.get_ident() or not event.startswith(OBSERVED):
            return
        if event != "open" or not str(args[0]).endswith((".py", ".pyc", ".so")):
            self.seen.append(event)


@pytest.fixture(scope="session")
def observer() -> Observer:
    """The hook, which can never be taken away again."""
    observer = Observer()
    sys.addaudithook(observer)
    return observer


@pytest.fixture
def outside(observer: Observer) -> Iterator[list[str]]:
    """The files and sockets opened while the test runs."""
    observer.seen, observer.thread = [], threading.get_ident()
    yield observer.seen
    observer.thread = None


def refuse(raw: Any, accepted: Any = None) -> AccessInvalid:
    """Assert that a token is refused, and return how."""
    with pytest.raises(AccessInvalid) as raised:
        read_jws(raw, accepted or keys("HS256"))
    return raised.value


class TestSignJws:
    @pytest.mark.req("REQ-53")
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_writes_the_header_of_rfc_9068(self, algorithm):
        """Algorithm and name of the key that signed, and the type of an access token."""
        key = keys(algorithm).current
        written = jwt.get_unverified_header(sign_jws(claims(), keys(algorithm)))
        assert written == {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"}

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_is_read_again(self, algorithm):
        """Each algorithm verifies what it signed, with the claims as they were."""
        token = sign_jws(claims(), keys(algorithm))
        assert read_jws(token, keys(algorithm)) == claims()

    def test_leaves_the_claims_alone(self):
        """Nothing is added to the caller's claims, or taken away."""
        given_claims = claims()
        sign_jws(given_claims, keys("HS256"))
        assert given_claims == claims()

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_any_key_of_the_list_verifies(self, algorithm):
        """While keys are rotated, tokens of all of them are accepted, whatever their kind."""
        everything = load_signing_keys([SECRET, *(jwk(name) for name in ASYMMETRIC)])
        assert read_jws(sign_jws(claims(), keys(algorithm)), everything) == claims()

    @pytest.mark.req("REQ-110")
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_a_key_that_was_removed_verifies_nothing(self, algorithm):
        """Taking a key off the list refuses its tokens at once, caches included."""
        token = sign_jws(claims(), keys(algorithm))
        assert read_jws(token, keys(algorithm))
        refuse(token, load_signing_keys([bytes(range(64))]))


class TestTyp:
    @pytest.mark.req("REQ-53")
    @pytest.mark.parametrize(
        "typ", ["at+jwt", "application/at+jwt", "AT+JWT", "Application/At+Jwt"]
    )
    def test_accepts_an_access_token(self, typ):
        """Media types have no case, and may be written in full (RFC 7515 section 4.1.9)."""
        assert read_jws(forge(HS256, header(HS256, typ=typ), claims()), keys("HS256"))

    @pytest.mark.req("REQ-53")
    @pytest.mark.parametrize(
        "typ",
        numbered(
            [
                *("JWT", "jwt", "", "dpop+jwt", "logout+jwt", "secevent+jwt", "id+jwt", "at+jwt "),
                *("at", "rt+jwt", "application/jwt", "application/application/at+jwt", " at+jwt"),
                *("text/at+jwt", "at+jwt\x00", "at+jwt;x=1", ABSENT, None, 1, ["at+jwt"], True, {}),
                "\u0251t+jwt",
            ]
        ),
    )
    def test_refuses_every_other_type(self, typ):
        """One missing included: what was signed for another purpose is no access token."""
        refuse(forge(HS256, header(HS256, typ=typ), claims()))


class TestAlgorithm:
    @pytest.mark.req("REQ-55")
    @pytest.mark.parametrize("with_signature", [True, False])
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize(
        "alg",
        numbered(
            [
                *("none", "None", "NONE", "nOnE", "none ", " none", "none\x00", "", None, ABSENT),
                *([], ["none"], ["HS256"], {}, {"alg": "HS256"}, 0, 1, True, False),
            ]
        ),
    )
    def test_refuses_none_and_what_is_no_name(self, alg, algorithm, with_signature):
        """Every spelling, without a signature and with the right one."""
        key = keys(algorithm).current
        signing_input = unsigned(header(key, alg=alg), claims())
        signed = encode_base64url(signature(key, signing_input)) if with_signature else ""
        refuse(f"{signing_input}.{signed}", keys(algorithm))

    @pytest.mark.req("REQ-55")
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize(
        "alg",
        [
            *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS512", "ES256"),
            *("ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "hs256", "es256", "eddsa", "HS256 "),
        ],
    )
    def test_refuses_the_header_s_choice(self, alg, algorithm):
        """A right signature under a header that names another algorithm than the key's."""
        key = keys(algorithm).current
        token = forge(key, header(key, alg=alg), claims())
        if alg == algorithm:
            assert read_jws(token, keys(algorithm)) == claims()
        else:
            refuse(token, keys(algorithm))

    @pytest.mark.req("REQ-55")
    @pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "PS384", "PS512"])
    @pytest.mark.parametrize("claimed", ["RS256", None])
    def test_refuses_other_algorithms_of_an_rsa_key(self, alg, claimed):
        """The real private key used with another hash or padding, under either name."""
        key = keys("RS256").current
        algorithm: Any = jwt.get_algorithm_by_name(alg)
        signing_input = unsigned(header(key, alg=claimed or alg), claims())
        signed = algorithm.sign(signing_input.encode(), key.material)
        refuse(f"{signing_input}.{encode_base64url(signed)}", keys("RS256"))

    @pytest.mark.req("REQ-55")
    @pytest.mark.parametrize("alg", ["HS384", "HS512"])
    def test_refuses_other_algorithms_of_a_secret(self, alg):
        """The real secret used with a longer hash."""
        refuse(jwt.encode(claims(), SECRET, alg, header(HS256, alg=alg)))


class TestKid:
    @pytest.mark.req("REQ-57")
    @pytest.mark.req("REQ-58")
    @pytest.mark.parametrize(
        "kid",
        numbered(
            [
                *("", "unknown", "../../../dev/null", "/etc/passwd", "/proc/self/environ"),
                *("' OR '1'='1", "x' UNION SELECT 'key", "| id", "http://127.0.0.1:1/k", "\x00"),
                *(HS256.kid + "\x00", HS256.kid + " ", HS256.kid[:-1], HS256.kid.swapcase()),
                *({"kid": HS256.kid}, [HS256.kid], None, 0, 1, True, ABSENT, "k" * 5000, "\ud800"),
            ]
        ),
    )
    def test_is_a_look_up_and_nothing_else(self, kid, outside):
        """Whatever it holds, no file and no socket is opened, and the token is refused."""
        refuse(forge(HS256, header(HS256, kid=kid), claims()))
        assert outside == []

    @pytest.mark.req("REQ-58")
    @pytest.mark.req("REQ-63")
    def test_a_megabyte_is_refused_by_the_length(self):
        """It is never decoded."""
        refuse(forge(HS256, header(HS256, kid="k" * 1_000_000), claims()))

    @pytest.mark.req("REQ-58")
    def test_the_spy_sees_files_and_sockets(self, outside):
        """The control: opening a file is seen."""
        Path(__file__).parents[2].joinpath("LICENSE").read_bytes()
        assert outside == ["open"]

    @pytest.mark.req("REQ-58")
    def test_another_key_of_the_list_is_not_tried(self):
        """A token under the wrong name is refused, though a key of the list made it."""
        both = load_signing_keys([SECRET, SECRET[::-1]])
        refuse(forge(both.keys[0], header(both.keys[1]), claims()), both)


class TestHeader:
    @pytest.mark.req("REQ-57")
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"])
    def test_a_key_in_it_is_never_used(self, algorithm, name, outside):
        """Signed with the attacker's key or even with ours: refused, and nothing is fetched."""
        url = "http://127.0.0.1:1/keys.json"
        public = {key: jwk("ES256")[key] for key in ("kty", "crv", "x", "y")}
        value = {"jwk": public, "jku": url, "x5u": url, "x5c": ["MIIB"]}.get(name, "AAAA")
        attacker = keys("ES256").current
        ours = keys(algorithm).current
        refuse(forge(attacker, header(ours, alg="ES256", **{name: value}), claims()))
        refuse(forge(ours, header(ours, **{name: value}), claims()), keys(algorithm))
        assert outside == []

    @pytest.mark.req("REQ-59")
    @pytest.mark.parametrize(
        "more",
        numbered(
            [
                *({"crit": []}, {"crit": ["exp"]}, {"crit": ["b64"], "b64": True}, {"crit": None}),
                *({"crit": ["b64"], "b64": False}, {"b64": True}, {"b64": False}, {"crit": ["x"]}),
                *({"cty": "JWT"}, {"zip": "DEF"}, {"enc": "A128GCM"}, {"nonce": "a"}, {"": ""}),
            ]
        ),
    )
    def test_refuses_whatever_else_it_holds(self, more):
        """An extension that is not understood must not be skipped: nothing else is accepted."""
        refuse(forge(HS256, header(HS256, **more), claims()))

    @pytest.mark.req("REQ-66")
    @pytest.mark.parametrize("name", ["alg", "kid", "typ"])
    def test_refuses_a_name_given_twice(self, name):
        """Even with the same value: two readers could disagree about any other."""
        right = json.dumps(header(HS256))
        double = f'{{"{name}":{json.dumps(header(HS256)[name])},{right[1:]}'
        assert json.loads(double) == header(HS256)
        refuse(forge(HS256, double, claims()))

    @pytest.mark.req("REQ-66")
    def test_refuses_a_name_given_twice_in_disguise(self):
        """An escaped letter makes the same name."""
        refuse(forge(HS256, '{"\\u0061lg":"none",' + json.dumps(header(HS256))[1:], claims()))
