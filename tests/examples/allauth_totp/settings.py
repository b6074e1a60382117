"""A project with django-allauth's MFA, whose app logs in at ``login/``."""

from tests.examples.settings import *  # noqa: F403 - what the examples have in common

from tests.examples.settings import INSTALLED_APPS, MIDDLEWARE  # isort: skip

ROOT_URLCONF = "tests.examples.allauth_totp.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "allauth", "allauth.account", "allauth.mfa"]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
MFA_TOTP_TOLERANCE = 1  # the next code counts too, so that a test need not wait for it

TOKENAUTH_LOGIN_GATE = "docs.recipes.allauth_mfa.gate"
TOKENAUTH_SECOND_STEP = "docs.recipes.allauth_mfa.verify"
