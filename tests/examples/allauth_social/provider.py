"""An OpenID provider on this machine: discovery, authorize, token, userinfo and keys.

It keeps to OpenID Connect Core 1.0 (code flow) with PKCE (RFC 7636), as far as a client sees it:
each code works once, for the client, the redirect and the verifier that it was given for.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "our-project", "known to both sides"


class Provider:
    """What the provider knows, and who is sitting in front of it.

    Attributes:
        person: the claims of whoever logs in there next; ``None``: they say no.
    """

    def __init__(self) -> None:
        self.person: dict[str, Any] | None = {"sub": "4711", "preferred_username": "ada"}
        self.url = ""
        self.asked: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}

    def discovery(self) -> dict[str, Any]:
        """Return the metadata (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def keys(self) -> dict[str, Any]:
        """Return the public key."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": "1", "use": "sig", "alg": "RS256"}]}

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
        answer = {"error": "access_denied"}
        if self.person is not None:
            code = secrets.token_urlsafe()
            self._codes[code] = query, self.person
            answer = {"code": code}
        return f"{query['redirect_uri']}?{urlencode({**answer, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Exchange a code, or refuse."""
        query, person = self._codes.pop(form.get("code", ""), ({}, {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        given = [form.get("client_id"), form.get("client_secret"), form.get("redirect_uri")]
        if given != [CLIENT, SECRET, query.get("redirect_uri")]:
            return None
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != query["code_challenge"]:
            return None
        now, access = int(time.time()), secrets.token_urlsafe()
        self._tokens[access] = person
        claims = {"iss": self.url, "aud": CLIENT, "sub": person["sub"], "iat": now, "exp": now + 60}
        signed = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "1"})
        return {"access_token": access, "token_type": "Bearer", "id_token": signed}

    def userinfo(self, header: str) -> dict[str, Any] | None:
        """Return who an access token is about."""
        return self._tokens.get(header.removeprefix("Bearer "))


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        """Everything but the exchange."""
        parts = urlsplit(self.path)
        self.provider.asked.append(parts.path)
        if parts.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(query))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif parts.path == "/.well-known/openid-configuration":
            self._answer(self.provider.discovery())
        elif parts.path == "/keys":
            self._answer(self.provider.keys())
        else:
            self._answer(self.provider.userinfo(self.headers.get("Authorization", "")))

    def do_POST(self) -> None:
        """The exchange of a code."""
        self.provider.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._answer(self.provider.token(form))

    def _answer(self, found: dict[str, Any] | None) -> None:
        body = json.dumps({"error": "invalid_grant"} if found is None else found).encode()
        self.send_response(400 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def serve() -> Iterator[Provider]:
    """Run a provider for as long as the block."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
