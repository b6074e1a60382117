"""What a project's own pages for passwords need: one line to keep a session, none to end all."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from tests import password_pages
from tests.conftest import PASSWORD, Api
from tokenauth.models import AuthSession

pytestmark = [
    pytest.mark.urls("tests.password_pages"),
    pytest.mark.req("REQ-24"),
]

NEW = "another horse, another battery"
TWICE = {"new_password1": NEW, "new_password2": NEW}
CHANGE = {"old_password": PASSWORD, **TWICE}
DOCS = Path(__file__).resolve().parent.parent / "docs" / "ending-sessions.md"


@pytest.fixture(params=[True, False], ids=["atomic", "plain"])
def here(
    request: pytest.FixtureRequest,
    browser: Api,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Api:
    """Ada's browser, which also sends the access cookie; each request in a transaction or not."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", request.param)
    settings.TOKENAUTH_ACCESS_COOKIE = True
    assert browser.login().status_code == 200
    return browser


def goes_on(api: Api, *, access: bool = True) -> bool:
    """Return whether a session is still there, by its refresh and by its access token."""
    if access and api.whoami().status_code != 200:
        return False
    return bool(api.refresh().status_code == 200 and api.whoami().status_code == 200)


def is_out(api: Api) -> bool:
    """Return whether neither token of a session is accepted, and its holder is told why."""
    refused = api.whoami().status_code == 401
    return bool(refused and api.refresh().json().get("reason") == "account")


def reasons() -> list[str]:
    """Return why sessions ended, those that were replaced aside, the oldest session first."""
    rows = AuthSession.objects.exclude(revoked_reason="replaced").order_by("pk")
    return list(rows.values_list("revoked_reason", flat=True))


class TestDjangosPage:
    def test_with_the_line_keeps_this_session(self, here: Api, app: Api) -> None:
        """The browser goes on with new cookies; the phone is out, at once, and it says why."""
        assert here.http.post("/keep", CHANGE).status_code == 302
        assert goes_on(here, access=False)
        assert is_out(app)
        assert AuthSession.objects.get(client="app").revoked_reason == "password"

    def test_without_the_line_ends_all(self, here: Api, app: Api) -> None:
        """Django keeps its own session, and knows nothing of ours."""
        assert here.http.post("/plain", CHANGE).status_code == 302
        assert is_out(here)
        assert is_out(app)
        assert set(reasons()) == {"password"}

    def test_that_refuses_the_password_ends_nothing(self, here: Api, app: Api) -> None:
        """A wrong old password changes nothing."""
        assert here.http.post("/keep", CHANGE | {"old_password": "x"}).status_code == 200
        assert goes_on(here)
        assert goes_on(app)


def test_reset_by_mail_ends_all(user: User, browser: Api, app: Api) -> None:
    """Who forgot the password may have lost the account: nothing is kept."""
    user.refresh_from_db()  # the link is bound to the last login
    key = urlsafe_base64_encode(force_bytes(user.pk))
    mailed = f"/reset/{key}/{default_token_generator.make_token(user)}/"
    page = Client()
    form = page.get(mailed)["Location"]
    assert page.post(form, TWICE).status_code == 302
    assert is_out(browser)
    assert is_out(app)
    assert reasons() == ["password"] * 2


def test_form_of_the_admin_ends_all(user: User, staff: User, browser: Api, app: Api) -> None:
    """Staff set a new password: nobody goes on."""
    root = Client()
    root.force_login(staff)
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    page = reverse("admin:auth_user_password_change", args=[user.pk])
    assert root.post(page, form).status_code == 302
    assert is_out(browser)
    assert is_out(app)
    assert reasons() == ["password"] * 2


class TestApi:
    def test_with_the_line_keeps_this_session(self, app: Api, browser: Api) -> None:
        """A phone gets its tokens in the answer; what it had is refused."""
        old = app.access
        answer = app.post("/api/keep", {"password": NEW}).json()
        assert app.whoami().status_code == 401
        app.access, app.refresh_token = answer["access"], answer["refresh"]
        assert app.access != old
        assert goes_on(app)
        assert is_out(browser)

    def test_without_the_line_ends_all(self, app: Api, browser: Api) -> None:
        """``set_password()`` is enough."""
        assert app.post("/api/plain", {"password": NEW}).status_code == 200
        assert is_out(app)
        assert is_out(browser)


@pytest.mark.parametrize("view", [password_pages.KeepThisSession, password_pages.PasswordView])
def test_views_are_those_of_the_docs(view: type) -> None:
    """What the page about ending sessions shows is what is tested here."""
    assert inspect.getsource(view).strip() in DOCS.read_text()
