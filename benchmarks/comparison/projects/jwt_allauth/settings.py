"""Rotation is compulsory there; each access token is checked against its session."""

from benchmarks.comparison.projects import common
from benchmarks.comparison.projects.common import *  # noqa: F403 - settings are inherited by name

ROOT_URLCONF = "benchmarks.comparison.projects.jwt_allauth.urls"
INSTALLED_APPS = [
    *common.INSTALLED_APPS,
    "jwt_allauth",
    "rest_framework.authtoken",
    "allauth",
    "allauth.account",
]
MIDDLEWARE = [*common.MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ACCOUNT_ADAPTER = "jwt_allauth.adapter.JWTAllAuthAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_RATE_LIMITS = False
EMAIL_VERIFICATION = "none"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["jwt_allauth.authentication.JWTAllAuthAuthentication"],
}
JWT_ALLAUTH_SECRET_KEY = "comparison-only-91c3f0ab67d24e58b0a6d95c12ef7843"
JWT_ALLAUTH_ACCESS_TOKEN_SESSION_CHECK = True
