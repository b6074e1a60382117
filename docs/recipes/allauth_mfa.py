"""django-allauth's second factor for ``login/``. See allauth_mfa.md."""  # noqa: INP001 - docs

from collections.abc import Mapping
from typing import Any

from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled


def gate(_request: Any, user: Any) -> Mapping[str, Any] | None:
    """Ask whoever has set up a second factor in allauth for it."""
    if not is_mfa_enabled(user):
        return None
    types = Authenticator.objects.filter(user=user).values_list("type", flat=True)
    return {"methods": sorted(set(types))}


def verify(_request: Any, user: Any, answer: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Take a code of the app, or a recovery code: each once, and within allauth's rate limit."""
    form = AuthenticateForm({"code": answer.get("code")}, user=user)
    if not form.is_valid():
        return None
    form.authenticator.record_usage()
    return ("otp",)
