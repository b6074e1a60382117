"""How a browser talks to dj-rest-auth."""

from __future__ import annotations

from typing import Any

from benchmarks.comparison.candidate import Reply, Tokens
from benchmarks.comparison.projects.simplejwt.client import SimpleJWT
from benchmarks.comparison.wire import Answer, Http

__all__ = ["DjRestAuth"]


class DjRestAuth(SimpleJWT):
    """The refresh token comes and goes in a cookie, the access token in the body."""

    title = "dj-rest-auth"
    distribution = "dj-rest-auth"
    configuration = (
        "`USE_JWT` with both cookies, `JWT_AUTH_HTTPONLY`, `JWT_AUTH_SECURE`, "
        "`JWT_AUTH_COOKIE_USE_CSRF`, no `SESSION_LOGIN`; simplejwt as above"
    )
    login_path = "/auth/login/"
    refresh_path = "/auth/token/refresh/"

    def refresh(self, http: Http, held: Tokens) -> Reply:
        """Send the cookie, and an empty body."""
        cookies = {"refresh": held.refresh}
        answer = http.send("POST", self.refresh_path, cookies=cookies, json={})
        return self.reply(answer, held)

    def found(self, answer: Answer) -> dict[str, Any]:
        """Take the refresh token from the cookie: the body's is empty."""
        return {**answer.data, "refresh": answer.cookies.get("refresh")}
