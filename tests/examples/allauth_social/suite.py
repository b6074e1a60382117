"""Login at a provider, whose end is our session. Run by tests/test_examples.py."""

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from tests.conftest import Api
from tests.examples.allauth_social import provider as openid
from tests.examples.allauth_social.provider import Provider
from tokenauth.models import AuthSession

START = "/accounts/oidc/ours/login/"
CALLBACK = "/accounts/oidc/ours/login/callback/"
COOKIE = "__Secure-tokenauth-refresh"


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    """A provider that runs."""
    with openid.serve() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider, settings: Any, db: None) -> Provider:
    """The provider, with Ada in front of it, as the only one of the project."""
    server.person = {"sub": "4711", "preferred_username": "ada", "email": "ada@example.org"}
    app = {
        "provider_id": "ours",
        "name": "Ours",
        "client_id": openid.CLIENT,
        "secret": openid.SECRET,
        "settings": {"server_url": server.url, "oauth_pkce_enabled": True},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    return server


def follow(address: str) -> str:
    """Do what the browser does at the provider: return where it is sent on."""
    parts = urlsplit(address)
    assert parts.hostname
    connection = HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    connection.close()
    assert response.status == 302
    return str(response.headers["Location"])


def back(browser: Client) -> str:
    """Leave for the provider, and come back with its answer; return that address."""
    leave = browser.post(START)
    assert leave.status_code == 302
    address = urlsplit(follow(leave["Location"]))
    assert address.path == CALLBACK
    return f"{address.path}?{address.query}"


def log_in(api: Api) -> Any:
    """Go the whole way; return the last answer."""
    return api.http.get(back(api.http))


def test_checks_pass(db: None) -> None:
    """No step of allauth's is passed by: there is no login of ours."""
    call_command("check", fail_level="WARNING")


def test_the_browser_ends_with_our_session(provider: Provider, api: Api) -> None:
    """Discovery, login, code, token, userinfo; then the refresh cookie opens the API."""
    provider.asked.clear()
    response = log_in(api)
    assert (response.status_code, response["Location"]) == (302, "/app/")
    assert COOKIE in response.cookies
    assert {"/.well-known/openid-configuration", "/authorize", "/token"} < set(provider.asked)
    assert api.refresh().status_code == 200
    assert api.whoami().json() == {"username": "ada"}


def test_there_is_no_password(provider: Provider, api: Api) -> None:
    """The account has none, and no endpoint takes one."""
    log_in(api)
    assert not get_user_model().objects.get().has_usable_password()
    assert api.login().status_code == 404


def test_there_is_no_session_of_djangos(provider: Provider, api: Api) -> None:
    """Ours takes its place: what ends it ends all."""
    log_in(api)
    assert "_auth_user_id" not in api.http.session
    assert api.http.get("/page").json() == {"username": ""}


def test_says_nothing_of_the_methods(provider: Provider, api: Api) -> None:
    """How the provider knew the user is for the provider to say."""
    log_in(api)
    assert AuthSession.objects.get().amr == []


def test_again_is_the_same_user_in_another_session(
    provider: Provider, api: Api, new_api: Any
) -> None:
    """By the subject, whatever it calls itself by then."""
    log_in(api)
    assert provider.person is not None
    provider.person |= {"preferred_username": "countess"}
    log_in(new_api())
    assert get_user_model().objects.get().get_username() == "ada"
    assert AuthSession.objects.filter(revoked_at=None).count() == 2


def test_allauths_pages_know_the_user_by_the_access_cookie(
    provider: Provider, api: Api, settings: Any
) -> None:
    """The connected accounts, which need a login."""
    page = "/accounts/3rdparty/"
    log_in(api)
    assert api.http.get(page).status_code == 302
    settings.TOKENAUTH_ACCESS_COOKIE = True
    log_in(api)
    assert api.http.get(page).status_code == 200


@pytest.mark.req("REQ-01")
def test_over_another_session_by_the_access_cookie(
    provider: Provider, api: Api, settings: Any
) -> None:
    """The way back has it, so the session that it belongs to ends."""
    settings.TOKENAUTH_ACCESS_COOKIE = True
    log_in(api)
    log_in(api)
    assert AuthSession.objects.filter(revoked_at=None).count() == 1


def test_logout_ends_it(provider: Provider, api: Api) -> None:
    """By our endpoint."""
    log_in(api)
    assert api.logout().status_code == 204
    assert api.refresh().status_code == 401


@pytest.mark.req("REQ-05")
def test_inactive_account(provider: Provider, api: Api, new_api: Any) -> None:
    """The provider knows them still; the project does not let them in."""
    log_in(api)
    get_user_model().objects.update(is_active=False)
    other = new_api()
    assert COOKIE not in log_in(other).cookies
    assert AuthSession.objects.count() == 1
    assert api.refresh().status_code == 401


def test_refused_at_the_provider(provider: Provider, api: Api) -> None:
    """Who says no there is nobody here."""
    provider.person = None
    assert COOKIE not in log_in(api).cookies
    assert not AuthSession.objects.exists()


@pytest.mark.req("REQ-80")
def test_answer_for_another_browser(provider: Provider, api: Api, new_api: Any) -> None:
    """Somebody else's way back logs nobody in: the state is of the browser that left."""
    stolen = back(api.http)
    victim = new_api()
    assert COOKIE not in victim.http.get(stolen).cookies
    assert not AuthSession.objects.exists()


def test_code_that_the_provider_did_not_give(provider: Provider, api: Api) -> None:
    """It is exchanged at the provider, which refuses."""
    query = parse_qs(urlsplit(back(api.http)).query)
    forged = urlencode({"code": "forged", "state": query["state"][0]})
    assert COOKIE not in api.http.get(f"{CALLBACK}?{forged}").cookies
    assert not AuthSession.objects.exists()


def test_way_back_works_once(provider: Provider, api: Api) -> None:
    """An address from the history of the browser opens nothing."""
    address = back(api.http)
    assert COOKIE in api.http.get(address).cookies
    assert COOKIE not in api.http.get(address).cookies
    assert AuthSession.objects.count() == 1
