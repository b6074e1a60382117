"""The project of the tests with a user model of its own; see tests/test_custom_user.py."""

import os

from tests.settings import *  # noqa: F403 - the same project

from tests.settings import DATABASES, INSTALLED_APPS  # isort: skip

INSTALLED_APPS = [*INSTALLED_APPS, "tests.custom_user"]
AUTH_USER_MODEL = "custom_user.Member"

# Beside the suite that starts this one, and beside other workers of it.
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["TEST"]["NAME"] = ":memory:"
else:
    _database["TEST"]["NAME"] = f"test_custom_user_{os.getpid()}"
