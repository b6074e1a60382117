"""Who may open and do what in the admin: every page and action, by GET and by POST.

The other tests of the admin say what happens; here is who may, on one page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.test_admin import EVENTS, LIST, staff_with, start
from tests.test_admin_acting import EVERYONE, MANY, REVOKE, act
from tests.test_admin_revoking import YES
from tokenauth.audit import Origin
from tokenauth.models import AuthEvent, AuthSession

__all__ = ["staff_with"]  # a fixture

pytestmark = pytest.mark.any_database

VIEW = ("view_authsession",)
AUDIT = ("view_authevent",)
HOLDERS = {
    "nothing": (),
    "view": VIEW,
    "revoke without view": ("revoke_authsession",),
    "revoke": REVOKE,
    "everyone": EVERYONE,
    "audit": AUDIT,
}
"""Members of staff, by what they hold."""

NETWORK = {"what": "network", "network": "10.1.0.0/16"}


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that somebody may try.

    Attributes:
        path: where; ``{}`` is the id of a session.
        may: which of :data:`HOLDERS` may.
        data: what is posted; ``None`` is a GET.
        ends: whether the session has ended afterwards, for those who may.
    """

    path: str
    may: frozenset[str]
    data: dict[str, Any] | None = None
    ends: bool = False


VIEWERS = frozenset({"view", "revoke", "everyone"})
REVOKERS = frozenset({"revoke", "everyone"})
ALL_REVOKERS = frozenset({"everyone"})
AUDITORS = frozenset({"audit"})
NOBODY: frozenset[str] = frozenset()
ONE = f"{LIST}{{}}/"
REQUESTS = {
    "the list": Request(LIST, VIEWERS),
    "a session": Request(f"{ONE}change/", VIEWERS),
    "its history": Request(f"{ONE}history/", VIEWERS),
    "the overview": Request(f"{LIST}overview/", VIEWERS),
    "the form for a token": Request(f"{LIST}find-by-token/", VIEWERS),
    "a token": Request(f"{LIST}find-by-token/", VIEWERS, {"token": "unknown"}),
    "the question about one": Request(f"{ONE}revoke/", REVOKERS),
    "revoking one": Request(f"{ONE}revoke/", REVOKERS, YES, ends=True),
    "the question about many": Request(MANY, REVOKERS),
    "revoking a user's": Request(MANY, REVOKERS, YES | {"what": "user", "name": "ada"}, ends=True),
    "revoking a network's": Request(MANY, ALL_REVOKERS, YES | NETWORK, ends=True),
    "revoking everyone's": Request(
        MANY, ALL_REVOKERS, YES | {"what": "everyone", "sure": "on"}, ends=True
    ),
    "changing a session": Request(f"{ONE}change/", NOBODY, {"client": "app", "_save": "Save"}),
    "adding one": Request(f"{LIST}add/", NOBODY),
    "deleting one": Request(f"{ONE}delete/", NOBODY, {"post": "yes"}),
    "the events": Request(EVENTS, AUDITORS),
    "their export": Request(f"{EVENTS}export/", AUDITORS, {}),
}


def send(client: Client, request: Request, session: AuthSession) -> Any:
    """Try it."""
    path = request.path.format(session.pk)
    return client.get(path) if request.data is None else client.post(path, request.data)


@pytest.fixture
def session(user: User) -> AuthSession:
    """Ada's."""
    return start(user, origin=Origin("10.1.2.3"))


@pytest.mark.req("REQ-116", "REQ-117", "REQ-119")
@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("name", REQUESTS)
def test_matrix(
    session: AuthSession, staff_with: Callable[..., Client], name: str, holder: str
) -> None:
    """Who may not is refused with 403, by POST as well, and nothing ends; who may is served."""
    request = REQUESTS[name]
    client = staff_with(*HOLDERS[holder])
    may = holder in request.may
    response = send(client, request, session)
    assert (response.status_code in {200, 302}) is may, response.status_code
    assert may or response.status_code == 403
    session.refresh_from_db()
    assert (session.revoked_at is not None) is (may and request.ends)


@pytest.mark.req("REQ-116")
@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("known", [True, False])
def test_without_being_staff(
    session: AuthSession, client: Client, user: User, name: str, *, known: bool
) -> None:
    """A user of the site and an anonymous visitor are sent to the login, whatever they try."""
    if known:
        client.force_login(user)
    response = send(client, REQUESTS[name], session)
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")
    session.refresh_from_db()
    assert session.revoked_at is None


@pytest.mark.req("REQ-116", "REQ-117")
@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("action", ["revoke_selected", "revoke_users", "revoke_older"])
def test_actions(
    session: AuthSession, staff_with: Callable[..., Client], action: str, holder: str
) -> None:
    """An action that is not offered does nothing when it is posted all the same."""
    client = staff_with(*HOLDERS[holder])
    offered = client.get(LIST)
    may = holder in REVOKERS
    assert (f'value="{action}"' in offered.content.decode()) is may
    act(client, action, session)
    session.refresh_from_db()
    assert session.revoked_at is None  # asked first, whoever it is
    assert not AuthEvent.objects.filter(type="revoked").exists()
