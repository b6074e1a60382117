"""How a client talks to django-ninja-jwt."""

from __future__ import annotations

from benchmarks.comparison.projects.simplejwt.client import SimpleJWT

__all__ = ["NinjaJWT"]


class NinjaJWT(SimpleJWT):
    """As simplejwt, which it was made from, at other paths."""

    title = "ninja-jwt"
    distribution = "django-ninja-jwt"
    configuration = (
        "`ROTATE_REFRESH_TOKENS`, `BLACKLIST_AFTER_ROTATION` with the blacklist app, "
        "`UPDATE_LAST_LOGIN`"
    )
    api = "/api/profile"
    login_path = "/api/token/pair"
    refresh_path = "/api/token/refresh"
