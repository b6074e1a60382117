"""Our tokens elsewhere, and tokens from elsewhere here.

Other projects run in processes of their own: simplejwt reads its settings when it is imported.
"""

import base64
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core import signing
from django.test import override_settings
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import import_key
from rest_framework_simplejwt import settings as simplejwt_settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken

from tests.tokens.forging import ABSENT, ASYMMETRIC, SECRET, forge, header, jwk
from tokenauth.access import verify_access_token
from tokenauth.conf import config
from tokenauth.exceptions import AccessInvalid
from tokenauth.sessions import start_session
from tokenauth.tokens.keys import ALGORITHMS

pytestmark = pytest.mark.any_database

ISSUER, AUDIENCE = "https://id.example", "https://api.example"
ROOT = Path(__file__).resolve().parent.parent

OTHER_PROJECT = """
import json, sys
from django.conf import settings
given = json.load(sys.stdin)
key = bytes.fromhex(given["secret"]) if given["secret"] else ""
settings.configure(
    SECRET_KEY="of another project altogether, and long enough",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    SIMPLE_JWT={
        "ALGORITHM": given["algorithm"], "SIGNING_KEY": key, "VERIFYING_KEY": given["public"],
        "ISSUER": given["issuer"], "AUDIENCE": given["audience"],
    },
)
import django
django.setup()
from django.core.management import call_command
from django.contrib.auth.models import User
call_command("migrate", verbosity=0)
User.objects.create_user("ada", pk=given["pk"])
from rest_framework.exceptions import APIException
from rest_framework.test import APIRequestFactory
from rest_framework_simplejwt.authentication import JWTAuthentication
for token in given["tokens"]:
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    try:
        user, validated = JWTAuthentication().authenticate(request)
        print(user.username, validated["sid"])
    except APIException as error:
        print(type(error).__name__)
"""

SAME_TOKENS = """
import json, sys
from datetime import UTC, datetime, timedelta
from django.conf import settings
given = json.load(sys.stdin)
more = {}
if given["hostile"]:
    more["SIMPLE_JWT"] = {name: given["hostile"][name] for name in given["hostile"]}
settings.configure(
    SECRET_KEY="s" * 20 + "fixed for both runs" * 3,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "tokenauth"],
    TOKENAUTH_SIGNING_KEYS=given["keys"], TOKENAUTH_ISSUER=given["issuer"],
    USE_TZ=True, **more,
)
import django
django.setup()
from tokenauth import issuing, system
from tokenauth.models import AuthSession
now = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
system.now = lambda: now
system.random_bytes = lambda length: bytes(range(length))
later = now + timedelta(days=1)
session = AuthSession(
    id=system.new_id(), user_id=7, client="browser", transport="cookie",
    seed=system.random_bytes(32), rotated_at=now, created_at=now, last_seen_at=now,
    auth_time=now, expires_at=later, absolute_expires_at=later, amr=["pwd"],
)
tokens = issuing.issue_tokens(session, now, with_refresh=True)
print(tokens.access, tokens.refresh, tokens.expires_in, tokens.refresh_expires_in)
print(json.dumps(dict(issuing.read_token(tokens.access, now))))
"""


def run(program: str, given: dict[str, Any]) -> list[str]:
    """Run another project, and return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def public_pem(algorithm: str) -> str:
    """Return the public half of a test's key as a PEM file."""
    public: Any = jwt.PyJWK(jwk(algorithm)).key.public_key()
    pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def signed_with(algorithm: str) -> Any:
    """Return settings under which tokens are signed with a test's key."""
    return override_settings(
        TOKENAUTH_SIGNING_KEYS=[SECRET if algorithm == "HS256" else jwk(algorithm)],
        TOKENAUTH_ISSUER=ISSUER,
        TOKENAUTH_AUDIENCE=AUDIENCE,
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
class TestOurTokensElsewhere:
    def test_pyjwt_verifies_them(self, user, algorithm):
        """With issuer, audience and every claim of RFC 9068 section 2.2 required."""
        required = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]
        key = SECRET if algorithm == "HS256" else public_pem(algorithm)
        with signed_with(algorithm):
            raw = start_session(user).access
        claims = jwt.decode(
            raw, key, [algorithm], {"require": required}, audience=AUDIENCE, issuer=ISSUER
        )
        assert claims["sub"] == str(user.pk)

    # The name EdDSA gives way to Ed25519 (RFC 9864), which PyJWT cannot load yet.
    @pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
    def test_joserfc_verifies_them(self, user, algorithm):
        """A JOSE library that shares no code with PyJWT, with the key that a service would have."""
        key = import_key(self.verifying_jwk(algorithm))
        with signed_with(algorithm):
            raw = start_session(user).access
        token = joserfc_jwt.decode(raw, key, algorithms=[algorithm])
        assert token.header["typ"] == "at+jwt"
        joserfc_jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
        ).validate(token.claims)

    def verifying_jwk(self, algorithm: str) -> dict[str, Any]:
        """Return what a service holds: the public half, or the shared secret."""
        if algorithm == "HS256":
            text = base64.urlsafe_b64encode(SECRET).rstrip(b"=").decode()
            return {"kty": "oct", "k": text}
        names = {"kty", "crv", "x", "y", "n", "e"}
        return {name: value for name, value in jwk(algorithm).items() if name in names}


class TestSimplejwtElsewhere:
    @pytest.mark.parametrize("algorithm", ["HS256", "ES256", "RS256"])
    def test_its_authentication_accepts_ours(self, user, algorithm):
        """Another project, with the same key, and nothing of this package installed."""
        with signed_with(algorithm):
            tokens = start_session(user)
            key = config.signing_keys.current
        expired = forge(key, header(key), {**claims_of(tokens.access), "exp": 1})
        other = forge(key, header(key), {**claims_of(tokens.access), "iss": "https://evil.example"})
        answers = run(
            OTHER_PROJECT,
            {
                "algorithm": algorithm,
                "secret": SECRET.hex() if algorithm == "HS256" else "",
                "public": "" if algorithm == "HS256" else public_pem(algorithm),
                "issuer": ISSUER,
                "audience": AUDIENCE,
                "pk": user.pk,
                "tokens": [tokens.access, expired, other],
            },
        )
        assert answers == [f"ada {tokens.session.pk}", "InvalidToken", "InvalidToken"]


HOSTILE = {
    "ACCESS_TOKEN_LIFETIME": 10**6,
    "REFRESH_TOKEN_LIFETIME": -1,
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
    "ALGORITHM": "none",
    "SIGNING_KEY": "theirs",
    "VERIFYING_KEY": "theirs",
    "AUDIENCE": "theirs",
    "ISSUER": "theirs",
    "JSON_ENCODER": "no.such.Encoder",
    "JWK_URL": "http://127.0.0.1:1/",
    "LEEWAY": 10**9,
    "AUTH_HEADER_TYPES": ["Theirs"],
    "AUTH_HEADER_NAME": "HTTP_X_THEIRS",
    "USER_ID_FIELD": "username",
    "USER_ID_CLAIM": "theirs",
    "USER_AUTHENTICATION_RULE": "no.such.rule",
    "AUTH_TOKEN_CLASSES": ["no.such.Token"],
    "TOKEN_TYPE_CLAIM": "theirs",
    "JTI_CLAIM": "theirs",
    "TOKEN_USER_CLASS": "no.such.User",
    "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "theirs",
    "SLIDING_TOKEN_LIFETIME": 10**6,
    "SLIDING_TOKEN_REFRESH_LIFETIME": 10**6,
    "TOKEN_OBTAIN_SERIALIZER": "no.such.S",
    "TOKEN_REFRESH_SERIALIZER": "no.such.S",
    "TOKEN_VERIFY_SERIALIZER": "no.such.S",
    "TOKEN_BLACKLIST_SERIALIZER": "no.such.S",
    "SLIDING_TOKEN_OBTAIN_SERIALIZER": "no.such.S",
    "SLIDING_TOKEN_REFRESH_SERIALIZER": "no.such.S",
    "CHECK_REVOKE_TOKEN": True,
    "REVOKE_TOKEN_CLAIM": "theirs",
    "CHECK_USER_IS_ACTIVE": False,
}


class TestSimplejwtSettings:
    def test_the_hostile_ones_are_all_that_there_are(self):
        """The control: a new setting of simplejwt must be added here."""
        assert HOSTILE.keys() == simplejwt_settings.DEFAULTS.keys()
        assert not [
            name for name, value in HOSTILE.items() if value == simplejwt_settings.DEFAULTS[name]
        ]

    @pytest.mark.parametrize("algorithm", ["derived", "EdDSA"])
    def test_none_of_them_changes_a_token(self, algorithm):
        """With time and randomness fixed, the tokens are the same, character by character."""
        keys = [] if algorithm == "derived" else [jwk(algorithm)]
        given = {"keys": keys, "issuer": ISSUER}
        plain = run(SAME_TOKENS, {**given, "hostile": {}})
        hostile = run(SAME_TOKENS, {**given, "hostile": HOSTILE})
        assert len(plain[0]) > 400
        assert hostile == plain


class TestTokensFromElsewhere:
    @pytest.mark.req("REQ-27")
    @pytest.mark.parametrize("kind", [AccessToken, RefreshToken, SlidingToken])
    def test_simplejwt_s_own_are_refused(self, user, kind):
        """Made with the very same key and for the same user: they have no session."""
        with signed_with("HS256"):
            token = kind.for_user(user)
            secret: Any = SECRET
            token._token_backend = TokenBackend("HS256", secret, "", AUDIENCE, ISSUER)
            assert jwt.decode(str(token), SECRET, ["HS256"], audience=AUDIENCE, issuer=ISSUER)
            assert refused(str(token)).is_foreign

    @pytest.mark.req("REQ-27")
    @pytest.mark.req("REQ-53")
    @pytest.mark.parametrize("algorithm", [*ASYMMETRIC, "HS256"])
    @pytest.mark.parametrize("typ", ["JWT", "logout+jwt", "dpop+jwt", "secevent+jwt", ABSENT])
    def test_other_tokens_of_the_same_key_are_refused(self, user, algorithm, typ):
        """An ID token with all claims of an access token: its type says what it is."""
        with signed_with(algorithm):
            raw = start_session(user).access
            key = config.signing_keys.current
            again = {**claims_of(raw), "nonce": "n", "at_hash": "h", "azp": "browser"}
            assert verify_access_token(forge(key, header(key), again)).user == user
            refused(forge(key, header(key, typ=typ), again))

    @pytest.mark.req("REQ-27")
    def test_values_that_django_signed_are_refused(self, user, settings):
        """The same SECRET_KEY, and nothing that it signs is a token of ours."""
        value = {"sub": str(user.pk), "token_type": "access"}
        for raw in (
            *(
                signing.dumps(value),
                signing.dumps(value, compress=True),
                signing.Signer().sign("7"),
            ),
            *(signing.TimestampSigner().sign("a.b"), signing.dumps(value, salt="tokenauth")),
            jwt.encode(value, settings.SECRET_KEY, "HS256", {"typ": "at+jwt", "kid": "x"}),
            jwt.encode(
                value,
                settings.SECRET_KEY,
                "HS256",
                {"typ": "at+jwt", "kid": config.signing_keys.current.kid},
            ),
        ):
            refused(raw)

    @pytest.mark.req("REQ-27")
    def test_our_refresh_token_is_refused(self, user):
        """It is for the token endpoints."""
        refresh = start_session(user).refresh
        assert refresh is not None
        refused(refresh)

    def test_tokens_of_another_deployment_are_refused(self, user):
        """Another SECRET_KEY, or the same key under another issuer."""
        with signed_with("ES256"):
            raw = start_session(user).access
            with override_settings(TOKENAUTH_ISSUER="https://staging.example"):
                refused(raw)
        with override_settings(SECRET_KEY="another deployment's " * 4):
            foreign = start_session(user).access
        refused(foreign)
        refused(raw)

    def test_a_token_that_lives_longer_than_any_of_ours_is_refused(self, user, settings):
        """Shortening the lifetime is effective for the tokens that are out."""
        raw = start_session(user).access
        assert verify_access_token(raw).user == user
        settings.TOKENAUTH_ACCESS_TOKEN_LIFETIME = timedelta(minutes=1)
        refused(raw)


def claims_of(raw: str) -> dict[str, Any]:
    """Return the claims of a token, unverified."""
    claims: dict[str, Any] = jwt.decode(raw, options={"verify_signature": False})
    return claims


def refused(raw: str) -> AccessInvalid:
    """Assert that a token is refused, and return how."""
    with pytest.raises(AccessInvalid) as raised:
        verify_access_token(raw)
    return raised.value
