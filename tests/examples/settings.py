"""What the examples have in common: the tests' project, in a database in memory of its own."""

from tests.settings import *  # noqa: F403 - the same project

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
