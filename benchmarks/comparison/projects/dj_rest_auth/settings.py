"""The refresh token in an HttpOnly cookie; beneath it simplejwt as in its own project."""

from benchmarks.comparison.projects.common import *  # noqa: F403 - settings are inherited by name
from benchmarks.comparison.projects.simplejwt import settings as simplejwt

ROOT_URLCONF = "benchmarks.comparison.projects.dj_rest_auth.urls"
INSTALLED_APPS = [*simplejwt.INSTALLED_APPS, "dj_rest_auth"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["dj_rest_auth.jwt_auth.JWTCookieAuthentication"],
}
SIMPLE_JWT = simplejwt.SIMPLE_JWT
REST_AUTH = {
    "USE_JWT": True,
    "SESSION_LOGIN": False,
    "TOKEN_MODEL": None,
    "JWT_AUTH_COOKIE": "access",
    "JWT_AUTH_REFRESH_COOKIE": "refresh",
    "JWT_AUTH_HTTPONLY": True,
    "JWT_AUTH_SECURE": True,
    "JWT_AUTH_COOKIE_USE_CSRF": True,
}
