"""Tokens that are renewed while they are used, and that end all the same."""

from datetime import timedelta

from benchmarks.comparison.projects import common
from benchmarks.comparison.projects.common import *  # noqa: F403 - settings are inherited by name

ROOT_URLCONF = "benchmarks.comparison.projects.knox.urls"
INSTALLED_APPS = [*common.INSTALLED_APPS, "knox"]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["knox.auth.TokenAuthentication"]}
REST_KNOX = {
    "TOKEN_TTL": timedelta(hours=10),
    "AUTO_REFRESH": True,
    "AUTO_REFRESH_MAX_TTL": timedelta(days=30),
}
