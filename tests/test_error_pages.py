"""What an unexpected error shows: on Django's technical page, and in the mail to the admins."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import override_settings
from django.utils.log import AdminEmailHandler

from tests.conftest import PASSWORD, Api

pytestmark = [pytest.mark.any_database, pytest.mark.req("REQ-129")]

LOGGERS = ("django.request", "tokenauth")
# Where to fail: as deep as there are secrets in the frames above.
PLACES = [
    ("post", "/auth/login/", "tokenauth.sessions.issue_tokens"),
    ("post", "/auth/login/", "tokenauth.shortcuts.origin_of"),
    ("post", "/auth/login/", "tokenauth.credentials.authenticate"),
    ("post", "/auth/reauthenticate/", "tokenauth.credentials.authenticate"),
    ("post", "/auth/reauthenticate/", "tokenauth.stepup.issue_tokens"),
    ("post", "/auth/reauthenticate/", "tokenauth.access.read_token"),
    ("post", "/auth/refresh/", "tokenauth.rotation.issue_tokens"),
    ("post", "/auth/refresh/", "tokenauth.views.refresh.rotate"),
    ("post", "/auth/refresh/", "tokenauth.rotation.parse_refresh_token"),
    ("post", "/auth/logout/", "tokenauth.shortcuts.revoke_sessions"),
    ("post", "/auth/logout/", "tokenauth.shortcuts.find_sessions"),
    ("get", "/auth/me/", "tokenauth.views.own.session_data"),
    ("get", "/auth/me/", "tokenauth.access.read_token"),
    ("get", "/auth/sessions/", "tokenauth.views.own.active_sessions"),
    ("patch", "/auth/sessions/{sid}/", "tokenauth.views.own.rename_session"),
    ("delete", "/auth/sessions/{sid}/", "tokenauth.views.own.revoke_session"),
    ("post", "/auth/sessions/revoke/", "tokenauth.views.own.revoke_user_sessions"),
]
each_place = pytest.mark.parametrize(("method", "path", "place"), PLACES)


class Outbox(AdminEmailHandler):
    """Django's handler, with its texts and pages, which keeps what it would have mailed."""

    def __init__(self) -> None:
        super().__init__(include_html=True)
        self.setLevel(logging.ERROR)
        self.sent: list[str] = []

    def send_mail(self, subject: Any, message: Any, *_args: Any, **more: Any) -> None:
        """Keep subject, text and HTML."""
        self.sent.append(f"{subject}\n{message}\n{more['html_message']}")


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    """What the admins are mailed, of the errors of every logger."""
    handler = Outbox()
    for name in LOGGERS:
        logging.getLogger(name).addHandler(handler)
    yield handler
    for name in LOGGERS:
        logging.getLogger(name).removeHandler(handler)


class Victim:
    """Ada, in a browser and in an app, whose requests are about to fail.

    Everything that is worth stealing is in each request.
    """

    def __init__(self, browser: Api, app: Api) -> None:
        self.browser = browser
        self.app = app
        [cookie] = [m.value for m in browser.http.cookies.values() if "refresh" in m.key]
        self.secrets = [PASSWORD, cookie, app.refresh_token, browser.access, app.access]
        self.sid = app.get("/auth/me/").json()["session"]["sid"]

    def requests(self, method: str, path: str) -> list[Any]:
        """Send the request by both transports; return the answers."""
        data = {
            "username": "ada",
            "password": PASSWORD,
            "refresh": self.app.refresh_token,
            "device_name": "x",
            "scope": "all",
        }
        if method == "get":
            data = None  # type: ignore[assignment]  # a query string is no place for them
        return [
            api.request(method, path.format(sid=self.sid), data) for api in (self.browser, self.app)
        ]

    def seen_in(self, text: str) -> list[int]:
        """Return the numbers of the secrets that a text shows."""
        return [i for i, secret in enumerate(self.secrets) if str(secret)[-32:] in text]


@pytest.fixture
def victim(user: User, new_api: Callable[..., Api]) -> Victim:
    """Both clients, logged in under the DEBUG of the test."""
    browser, app = new_api(), new_api()
    assert browser.login().status_code == 200
    assert app.login(client="app").status_code == 200
    return Victim(browser, app)


def fail(monkeypatch: pytest.MonkeyPatch, place: str, error: Exception) -> None:
    """Have the function at ``place`` raise."""

    def raising(*_args: Any, **_kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(place, raising)


@pytest.fixture
def debug() -> Iterator[None]:
    """``DEBUG = True``, from before the logins: cookies have other names then."""
    with override_settings(DEBUG=True):
        yield


@each_place
def test_technical_page_hides_secrets(
    debug: None,
    victim: Victim,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    place: str,
) -> None:
    """With DEBUG on, the page shows the error and the code, and no secret."""
    fail(monkeypatch, place, RuntimeError("what went wrong"))
    for response in victim.requests(method, path):
        assert response.status_code == 500
        assert "what went wrong" in response.text
        assert victim.seen_in(response.text) == []


@each_place
def test_mail_to_the_admins_hides_secrets(
    outbox: Outbox,
    victim: Victim,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    place: str,
) -> None:
    """With DEBUG off, neither the page nor the mail, text and HTML, has a secret."""
    fail(monkeypatch, place, RuntimeError("what went wrong"))
    for response in victim.requests(method, path):
        assert response.status_code == 500
        assert victim.seen_in(response.text) == []
    assert len(outbox.sent) == 2
    for message in outbox.sent:
        assert message.count("what went wrong") > 1
        assert victim.seen_in(message) == []


@each_place
def test_mail_about_the_database_hides_secrets(
    outbox: Outbox,
    victim: Victim,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    place: str,
) -> None:
    """A database that refuses is a 503 and an error in the log, with its frames cleansed."""
    fail(monkeypatch, place, OperationalError("gone away"))
    for response in victim.requests(method, path):
        assert (response.status_code, response.json()["code"]) == (503, "try_again")
    told = sum("gone away" in message for message in outbox.sent)
    # Where a refresh is decided anew, only its third failure is answered, as a lost race.
    assert told == (0 if place == "tokenauth.rotation.issue_tokens" else 2)
    for message in outbox.sent:
        assert victim.seen_in(message) == []
