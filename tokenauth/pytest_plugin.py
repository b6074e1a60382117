"""Fixtures for the tests of a project, found by pytest as soon as the package is installed.

They need pytest-django, but only when they are used. Nothing of Django is imported before: pytest
loads its plugins before anybody has set Django up.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

__all__ = ["tokenauth_client", "tokenauth_travel"]


@pytest.fixture
def tokenauth_client(db: None) -> Callable[..., Any]:  # noqa: ARG001 - asked for its effect
    """Return :class:`tokenauth.testing.AuthClient`, which logs a user in.

    In one line: ``client = tokenauth_client(user, client="app")``.
    """
    client: Callable[..., Any] = import_module("tokenauth.testing").AuthClient
    return client


@pytest.fixture
def tokenauth_travel() -> Callable[..., Any]:
    """Return :func:`tokenauth.testing.travel`, which moves the time of the package.

    In one line: ``with tokenauth_travel(days=15):``.
    """
    travel: Callable[..., Any] = import_module("tokenauth.testing").travel
    return travel
