"""The lines of the README, and limits that one client which does nothing but ask cannot reach."""

from benchmarks.comparison.projects import common
from benchmarks.comparison.projects.common import *  # noqa: F403 - settings are inherited by name

ROOT_URLCONF = "benchmarks.comparison.projects.tokenauth.urls"
INSTALLED_APPS = [*common.INSTALLED_APPS, "tokenauth"]
_after = common.MIDDLEWARE.index("django.contrib.auth.middleware.AuthenticationMiddleware") + 1
MIDDLEWARE = [
    *common.MIDDLEWARE[:_after],
    "tokenauth.middleware.TokenAuthMiddleware",
    *common.MIDDLEWARE[_after:],
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokenauth.authentication.AccessTokenAuthentication"],
}
TOKENAUTH_THROTTLE_RATES = dict.fromkeys(("refresh", "session", "refused"), "1000000/min")
