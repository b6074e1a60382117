"""The package's defaults: rotation, and the session ends when a token is reused."""

from benchmarks.comparison.projects import common
from benchmarks.comparison.projects.common import *  # noqa: F403 - settings are inherited by name

ROOT_URLCONF = "benchmarks.comparison.projects.drf_sessions.urls"
INSTALLED_APPS = [*common.INSTALLED_APPS, "drf_sessions"]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["drf_sessions.auth.BearerAuthentication"]}
DRF_SESSIONS = {"ROTATE_REFRESH_TOKENS": True, "REVOKE_SESSION_ON_REUSE": True}
