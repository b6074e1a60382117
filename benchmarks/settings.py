"""Settings of one project of the comparison.

``BENCHMARK_PROJECT`` names it and ``BENCHMARK_DATABASE_URL`` is where it keeps its rows. What
``startproject`` writes is what every project has; nothing here is tuned for one of them.
"""

import os
from datetime import timedelta
from typing import Any

import environ

from benchmarks.projects import PROJECTS

_project = PROJECTS[os.environ["BENCHMARK_PROJECT"]]
_database: dict[str, Any] = environ.Env.db_url_config(os.environ["BENCHMARK_DATABASE_URL"])

SECRET_KEY = "only-for-benchmarks-7b1f0c9ad35e4e2f8861c4a0d9f2b6e3"
DEBUG = False
ALLOWED_HOSTS = ["api.example.com"]
ROOT_URLCONF = f"benchmarks.urls.{_project.urls}"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# One connection for as long as the process lives: to connect anew would hide everything else.
_options = {**_database.get("OPTIONS", {}), **_project.database}
DATABASES = {"default": {**_database, "OPTIONS": _options, "CONN_MAX_AGE": None}}
# The cheapest that Django has: PBKDF2 would be all that a login does.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    *_project.apps,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    *_project.middleware,
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}


def _as_durations(settings: dict[str, Any]) -> dict[str, Any]:
    """Turn seconds into durations where a package wants those."""
    return {
        name: timedelta(seconds=value) if name.endswith(("_LIFETIME", "_PERIOD")) else value
        for name, value in settings.items()
    }


globals().update(_as_durations(dict(_project.settings)))
if "SIMPLE_JWT" in _project.settings:
    SIMPLE_JWT = _as_durations(_project.settings["SIMPLE_JWT"])
