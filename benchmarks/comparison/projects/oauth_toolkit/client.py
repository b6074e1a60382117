"""How an app talks to django-oauth-toolkit: the code grant with PKCE, as RFC 9700 wants it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from benchmarks.comparison.candidate import Candidate, Reply, Tokens, rows_of
from benchmarks.comparison.staff import Staff
from benchmarks.comparison.wire import Http

__all__ = ["OAuthToolkit"]

CLIENT_ID = "comparison"
REDIRECT_URI = "https://app.example.com/callback"
TOKEN_PATH = "/o/token/"


class OAuthToolkit(Candidate):
    """A public client that skips the question whether the user agrees."""

    title = "django-oauth-toolkit, grace 60 s"
    distribution = "django-oauth-toolkit"
    configuration = (
        "code grant with PKCE, `REFRESH_TOKEN_REUSE_PROTECTION`, "
        "`REFRESH_TOKEN_GRACE_PERIOD_SECONDS` 60, the `COMPLIANT_BCP_RFC9700_*` switches but "
        "`TOKEN_STORAGE`, which a grace excludes"
    )
    staff_way = "the action `revoke_tokens` in the admin"
    grace = 60
    access_name = "access_token"
    refresh_name = "refresh_token"

    def prepare(self) -> None:
        """Register the client."""
        rows_of("oauth2_provider.Application").create(
            client_id=CLIENT_ID,
            client_type="public",
            authorization_grant_type="authorization-code",
            redirect_uris=REDIRECT_URI,
            skip_authorization=True,
        )

    def login(self, http: Http, username: str) -> Reply:
        """Ask for a code in the browser's session, and exchange it; both requests count."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        question = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "api",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        asked = http.send(
            "GET", f"/o/authorize/?{urlencode(question)}", cookies=_browser_session(username)
        )
        assert asked.status == 302, asked.text
        (code,) = parse_qs(urlsplit(asked.location).query)["code"]
        reply = self._token(
            http,
            Tokens("", ""),
            grant_type="authorization_code",
            code=code,
            redirect_uri=REDIRECT_URI,
            code_verifier=verifier,
        )
        return replace(reply, statements=asked.statements + reply.statements)

    def refresh(self, http: Http, held: Tokens) -> Reply:
        """Use the refresh grant (RFC 6749 section 6)."""
        return self._token(http, held, grant_type="refresh_token", refresh_token=held.refresh)

    def revoke(self, staff: Staff, user: Any) -> None:
        """Select the user's refresh tokens and run the admin's action."""
        rows = rows_of("oauth2_provider.RefreshToken").filter(user=user)
        keys = rows.values_list("pk", flat=True)
        staff.act("oauth2_provider/refreshtoken", "revoke_tokens", keys)

    def _token(self, http: Http, held: Tokens, **form: str) -> Reply:
        data = {"client_id": CLIENT_ID, **form}
        return self.reply(http.send("POST", TOKEN_PATH, data=data), held)


def _browser_session(username: str) -> dict[str, str]:
    """Return the cookie of a browser in which the user has logged in to the site."""
    browser = Client()
    user = get_user_model()._default_manager.get(username=username)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}
