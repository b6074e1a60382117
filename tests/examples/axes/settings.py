"""A project that has django-axes count its failed logins."""

from datetime import timedelta

from tests.examples.settings import *  # noqa: F403 - what the examples have in common

from tests.examples.settings import INSTALLED_APPS, MIDDLEWARE  # isort: skip

ROOT_URLCONF = "tests.examples.axes.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "axes"]
MIDDLEWARE = [*MIDDLEWARE, "axes.middleware.AxesMiddleware"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_LOCKOUT_CALLABLE = "tokenauth.integrations.axes.lockout_response"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 4
AXES_COOLOFF_TIME = timedelta(minutes=10)
# Both would count: axes locks out, and knows no device of the owner's.
TOKENAUTH_GUESSING = None
