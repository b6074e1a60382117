"""Tests of the system checks, as Django runs them."""

from typing import Any

from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

# No connection is made until something is asked of it.
SHARED_CACHE = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1",
    }
}


def messages(*, deploy: bool = False, **settings: Any) -> list[CheckMessage]:
    """Return what the app's checks say under these settings; to deploy, with a shared cache."""
    cache = {"CACHES": SHARED_CACHE} if deploy else {}
    with override_settings(**{**cache, **settings}):
        return run_checks(tags=["tokenauth"], include_deployment_checks=deploy)


def problems(*, deploy: bool = False, **settings: Any) -> list[str]:
    """Return the numbers of what the app's checks say, in order, such as ``E010``."""
    found = messages(deploy=deploy, **settings)
    return sorted((message.id or "").removeprefix("tokenauth.") for message in found)


def setting(name: str, value: Any) -> dict[str, Any]:
    """Return one of the app's settings as a keyword argument of the functions above."""
    return {f"TOKENAUTH_{name}": value}
