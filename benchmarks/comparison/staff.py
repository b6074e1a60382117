"""A member of staff at the Django admin, with a browser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from benchmarks.comparison.wire import Answer, Http

__all__ = ["Staff"]

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Staff:
    """A superuser who is logged in to the admin.

    Args:
        http: the connection to the server.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        user, _ = get_user_model()._default_manager.get_or_create(
            username="staff@example.com",
            defaults={"is_staff": True, "is_superuser": True, "email": "staff@example.com"},
        )
        browser = Client()
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self._session = browser.cookies[settings.SESSION_COOKIE_NAME].value

    def act(self, model: str, action: str, rows: Iterable[Any], **more: str) -> None:
        """Run an admin action on rows.

        Args:
            model: the model's place in the admin, such as ``knox/authtoken``.
            action: the action's name.
            rows: their keys.
            more: what the page that asks for confirmation wants.
        """
        selected = [str(row) for row in rows]
        assert selected, f"{model} has no row to act on"
        self.submit(f"/admin/{model}/", {"action": action, "_selected_action": selected, **more})

    def submit(self, path: str, data: dict[str, Any]) -> Answer:
        """Open a page of the admin, fill in its form and send it.

        Raises:
            AssertionError: the admin did not accept it.
        """
        cookies = {settings.SESSION_COOKIE_NAME: self._session}
        page = self._http.send("GET", path, cookies=cookies)
        assert page.ok, f"GET {path}: {page.status}"
        found = TOKEN.search(page.text)
        assert found, f"{path} has no form"
        cookies[settings.CSRF_COOKIE_NAME] = page.cookies[settings.CSRF_COOKIE_NAME]
        form = {**data, "csrfmiddlewaretoken": found[1]}
        answer = self._http.send("POST", path, cookies=cookies, data=form)
        assert answer.status == 302, f"POST {path}: {answer.status}"
        return answer
