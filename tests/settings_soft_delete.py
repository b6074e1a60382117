"""Settings of a project with a user model of its own that deletes softly."""

from tests.settings import *  # noqa: F403 - the same project but for its users
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.soft_delete"]
AUTH_USER_MODEL = "soft_delete.Member"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
