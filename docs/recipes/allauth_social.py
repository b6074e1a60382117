"""Login by django-allauth that ends with our session. See allauth_social.md."""  # noqa: INP001 - docs

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

import tokenauth


class AccountAdapter(DefaultAccountAdapter):
    """allauth's own, but for what a login ends with."""

    def login(self, request: Any, user: Any) -> None:
        """Start our session where allauth would start one of Django's, after all of its steps."""
        tokenauth.login(request, user)
