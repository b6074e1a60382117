"""Settings of the demo, read from the environment.

`DATABASE_URL`, `CACHE_URL`, `SECRET_KEY`, `DEBUG`, `ALLOWED_HOSTS` and `PORT` are the usual ones.
`ACCESS_TOKEN_SECONDS` shortens the access token, to see it renewed; `TRUSTED_PROXIES` lists the
networks of the proxies in front, when there are any.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO_SECRET_KEY = "django-insecure-demo-key-that-everybody-can-read-in-the-repository"

env = environ.Env()

DEBUG: bool = env.bool("DEBUG", default=True)
SECRET_KEY: str = env.str("SECRET_KEY", default=DEMO_SECRET_KEY)
if SECRET_KEY == DEMO_SECRET_KEY and not DEBUG:
    # Every access token is signed with a key derived from this one: who knows it is every user.
    raise ImproperlyConfigured("Set SECRET_KEY: the demo's own key is public.")

# Empty under DEBUG means localhost, 127.0.0.1 and [::1].
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
PORT: int = env.int("PORT", default=8000)

INSTALLED_APPS = [
    "demo_project",
    "tokenauth",
    "rest_framework",
    "drf_spectacular",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "demo_project.lost_answers.LostAnswers",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tokenauth.middleware.TokenAuthMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "demo_project.urls"
WSGI_APPLICATION = "demo_project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_sqlite_file = quote((BASE_DIR / "db.sqlite3").as_posix())
_database: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{_sqlite_file}")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Several threads write: each waits for its turn instead of failing with "database is locked".
    _database.setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE", timeout=20, init_command="PRAGMA journal_mode=WAL"
    )
DATABASES = {"default": _database}
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokenauth.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "tokenauth demo",
    "VERSION": "1",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

TOKENAUTH_ACCESS_TOKEN_LIFETIME = timedelta(seconds=env.int("ACCESS_TOKEN_SECONDS", default=300))
TOKENAUTH_TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])

if TOKENAUTH_TRUSTED_PROXIES:
    # The proxy must set this header itself: a client that could would make plain http look safe.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

if not DEBUG:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # W008 asks for SECURE_SSL_REDIRECT: whatever ends TLS in front redirects, and knows the port.
    SILENCED_SYSTEM_CHECKS = ["security.W008"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"short": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "short"}},
    "loggers": {"tokenauth": {"handlers": ["console"], "level": "INFO"}},
}
