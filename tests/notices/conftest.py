"""E-mails are on, and what they are sent from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import django
import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from tests.conftest import Api
from tests.notices.agents import FIREFOX, SAFARI

collect_ignore = [] if django.VERSION >= (6, 0) else ["test_tasks.py"]

SITE = "https://example.com"
LINK = re.compile(re.escape(SITE) + r"(/auth/end-session/[\w.~@-]+/)")


def outbox() -> list[EmailMultiAlternatives]:
    """Return what has been sent."""
    return [message for message in mail.outbox if isinstance(message, EmailMultiAlternatives)]


def path_in(message: EmailMultiAlternatives) -> str:
    """Return the path of the link in the text of an e-mail."""
    (path,) = LINK.findall(str(message.body))
    return str(path)


def html_of(message: EmailMultiAlternatives) -> str:
    """Return the HTML of an e-mail."""
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return str(html)


@pytest.fixture
def emails_on(settings: Any) -> None:
    """Switch both e-mails on."""
    settings.TOKENAUTH_SECURITY_EMAILS = ("new_device", "reuse")
    settings.TOKENAUTH_SITE_URL = SITE


@pytest.fixture
def ada(emails_on: None, user: Any, clock: Any) -> Any:
    """Ada, who has an address, and has signed in with Firefox an hour ago."""
    user.email = "ada@example.org"
    user.save()
    sign_in = Api(REMOTE_ADDR="192.0.2.1", HTTP_USER_AGENT=FIREFOX)
    assert sign_in.login().status_code == 200
    clock.advance(hours=1)
    return user


@pytest.fixture
def sign_in(ada: Any) -> Callable[..., Api]:
    """Return a function that signs Ada in with a new browser; by default on an iPhone."""

    def signed_in(user_agent: str = SAFARI, **more: Any) -> Api:
        api = Api(REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT=user_agent)
        assert api.login(client="app", **more).status_code == 200
        return api

    return signed_in


@pytest.fixture
def reuse(sign_in: Callable[..., Api], clock: Any) -> Callable[..., Api]:
    """Return a function that signs Ada in with Firefox, and then presents an old token of hers."""

    def reused(**extra: Any) -> Api:
        api = sign_in(FIREFOX)
        old = api.refresh_token
        for _ in range(2):
            clock.advance(minutes=10)
            assert api.refresh().status_code == 200
            assert api.whoami().status_code == 200
        clock.advance(minutes=10)
        assert api.refresh(old, **extra).json()["reason"] == "reuse"
        return api

    return reused
