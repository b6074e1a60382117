"""The app: registers the system checks and the receivers."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig, apps
from django.core.checks import register
from django.utils.translation import pgettext_lazy

__all__ = ["TokenAuthConfig"]


class TokenAuthConfig(AppConfig):
    """``tokenauth`` in ``INSTALLED_APPS``."""

    name = "tokenauth"
    # With a context: django.contrib.sessions has the same name, and leaves it in English.
    verbose_name = pgettext_lazy("of this app", "Sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register checks and receivers; nothing is read or decided here.

        Only now can models be imported.
        """
        checks = import_module("tokenauth.checks")
        for check in checks.CHECKS:
            register(check, "tokenauth")
        for check in checks.DEPLOY_CHECKS:
            register(check, "tokenauth", deploy=True)
        import_module("tokenauth.receivers").connect()
        import_module("tokenauth.notices.receivers").connect()
        if apps.is_installed("drf_spectacular"):
            import_module("tokenauth.schema")
