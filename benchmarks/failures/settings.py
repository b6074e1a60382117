"""The tests' project with Django's default password hasher, on PostgreSQL.

``FAILURES_DATABASE_URL`` is the database.
"""

import environ
from django.conf.global_settings import PASSWORD_HASHERS as DEFAULT_HASHERS

from tests.settings import *  # noqa: F403 - the same project

DATABASES = {"default": {**environ.Env().db("FAILURES_DATABASE_URL"), "CONN_MAX_AGE": None}}
PASSWORD_HASHERS = DEFAULT_HASHERS
AUTHENTICATION_BACKENDS = ["benchmarks.failures.backends.LockedByStaff"]
