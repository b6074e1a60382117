"""Settings of the servers that are watched, and of the program that watches them.

``REVOCATION_CHECK``
    ``TOKENAUTH_ACCESS_TOKEN_CHECK``.
``REVOCATION_LIFETIME``
    ``TOKENAUTH_ACCESS_TOKEN_LIFETIME`` in seconds.
``REVOCATION_PERSISTENT``
    ``1`` keeps the connections to the database (``CONN_MAX_AGE = None``).
``REVOCATION_APPLICATION``
    What the connections call themselves: only the server's are cut.
"""

import os
from datetime import timedelta

import environ

from proofs.log_settings import errors_to_stderr

SECRET_KEY = "proof-only-5d0e7c2b9f1846a3b8e27d40c6915fa3d872"  # noqa: S105 - of a proof, and public
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "proofs.revocation.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "tokenauth",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tokenauth.middleware.TokenAuthMiddleware",
]
# The cost of a password is not what is measured.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokenauth.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

env = environ.Env()
DATABASES = {"default": env.db("DATABASE_URL", default="postgres://postgres@127.0.0.1/none")}
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5,
    "application_name": os.environ.get("REVOCATION_APPLICATION", "watcher"),
}
DATABASES["default"]["CONN_MAX_AGE"] = None if os.environ.get("REVOCATION_PERSISTENT") == "1" else 0

TOKENAUTH_ACCESS_TOKEN_CHECK = os.environ.get("REVOCATION_CHECK", "revocation-list")
TOKENAUTH_ACCESS_TOKEN_LIFETIME = timedelta(
    seconds=float(os.environ.get("REVOCATION_LIFETIME", "30"))
)

# Counted as anywhere, and not reached.
TOKENAUTH_THROTTLE_RATES = dict.fromkeys(("refresh", "session", "refused"), "1000000/min")

# Errors go to standard error with their traceback; refusals are what the proof is about.
LOGGING = errors_to_stderr()
