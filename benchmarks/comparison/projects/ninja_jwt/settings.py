"""Rotation and a blacklist."""

from benchmarks.comparison.projects import common
from benchmarks.comparison.projects.common import *  # noqa: F403 - settings are inherited by name

ROOT_URLCONF = "benchmarks.comparison.projects.ninja_jwt.urls"
INSTALLED_APPS = [*common.INSTALLED_APPS, "ninja_extra", "ninja_jwt", "ninja_jwt.token_blacklist"]
NINJA_JWT = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
}
