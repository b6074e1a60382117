"""How a browser talks to django-jwt-allauth."""

from __future__ import annotations

from typing import Any

from benchmarks.comparison.candidate import PASSWORD, Candidate, Reply, Tokens
from benchmarks.comparison.wire import Answer, Http

__all__ = ["JwtAllauth"]

COOKIE = "refresh_token"


class JwtAllauth(Candidate):
    """The refresh token comes and goes in a cookie, the access token in the body."""

    title = "jwt-allauth"
    distribution = "django-jwt-allauth"
    configuration = "`JWT_ALLAUTH_ACCESS_TOKEN_SESSION_CHECK`, the refresh token in its cookie"
    staff_way = ""

    def login(self, http: Http, username: str) -> Reply:
        """Log in by e-mail address, which every user here has as a name."""
        body = {"email": username, "password": PASSWORD}
        answer = http.send("POST", "/jwt-allauth/login/", json=body)
        return self.reply(answer, Tokens("", ""))

    def refresh(self, http: Http, held: Tokens) -> Reply:
        """Send the cookie, and an empty body."""
        cookies = {COOKIE: held.refresh}
        answer = http.send("POST", "/jwt-allauth/refresh/", cookies=cookies, json={})
        return self.reply(answer, held)

    def found(self, answer: Answer) -> dict[str, Any]:
        """Take the refresh token from the cookie."""
        return {**answer.data, "refresh": answer.cookies.get(COOKIE)}
