"""Settings of the project that the tests run in.

The environment chooses what the matrix varies:

``DATABASE_URL``
    SQLite by default; PostgreSQL and MariaDB are the other two.
``CACHE_URL``
    The cache; local memory by default.
``TOKENAUTH_TEST_ATOMIC``
    ``1`` wraps every request in a transaction (``ATOMIC_REQUESTS``).
"""

from pathlib import Path
from typing import Any

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

SECRET_KEY = "test-only-9f2c7a61d0b84e35a1c6f8e07d3b5a92c4e1f6870b9d2a53"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", "[::1]", ".example.com"]
ROOT_URLCONF = "tests.urls"
USE_TZ = True
LANGUAGE_CODE = "en"
STATIC_URL = "static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "tokenauth",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tokenauth.middleware.TokenAuthMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

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

# A hundred thousand rounds of PBKDF2 for each test user would be all that the suite does.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokenauth.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

# Django 6.1 and newer, which have no default; the tests' runner puts its outbox in the place of it.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}

CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}


def _database() -> dict[str, Any]:
    database: dict[str, Any] = env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR}/db.sqlite3")
    database["ATOMIC_REQUESTS"] = env.bool("TOKENAUTH_TEST_ATOMIC", default=False)
    options = database.setdefault("OPTIONS", {})
    test = database.setdefault("TEST", {})
    engine = database["ENGINE"].rpartition(".")[2]
    if engine == "sqlite3":
        # In a file, because threads cannot share a database in memory without sharing its locks.
        test["NAME"] = BASE_DIR / "db.sqlite3-test"
        options["timeout"] = 20
        options["init_command"] = "PRAGMA synchronous=OFF"
    elif engine == "mysql":
        options["charset"] = "utf8mb4"
        test["CHARSET"] = "utf8mb4"
    return database


DATABASES = {"default": _database()}
