"""A project whose users log in at a provider, by django-allauth, and have no password here."""

from tests.examples.settings import *  # noqa: F403 - what the examples have in common

from tests.examples.settings import INSTALLED_APPS, MIDDLEWARE  # isort: skip

ROOT_URLCONF = "tests.examples.allauth_social.urls"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_ONLY = True
LOGIN_REDIRECT_URL = "/app/"

ACCOUNT_ADAPTER = "docs.recipes.allauth_social.AccountAdapter"
