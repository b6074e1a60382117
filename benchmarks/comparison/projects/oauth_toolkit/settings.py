"""Reuse protection with a grace of a minute, and every gate of RFC 9700 that allows both."""

from benchmarks.comparison.projects import common
from benchmarks.comparison.projects.common import *  # noqa: F403 - settings are inherited by name

ROOT_URLCONF = "benchmarks.comparison.projects.oauth_toolkit.urls"
INSTALLED_APPS = [*common.INSTALLED_APPS, "oauth2_provider"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "oauth2_provider.contrib.rest_framework.OAuth2Authentication"
    ],
}
OAUTH2_PROVIDER = {
    "SCOPES": {"api": "the API"},
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 14 * 24 * 60 * 60,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 60,
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
}
