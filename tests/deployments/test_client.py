"""The package's own client, on another origin than the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deployments.conftest import World
    from tests.deployments.sites import Visit

pytestmark = pytest.mark.browser

CREDENTIALS = {"username": "ada", "password": "correct horse battery"}
LOGIN = "credentials => client.login(credentials).then(session => session.sid)"
STATUS = "url => client.fetch(url).then(answer => answer.status)"
SID = "client.session().then(session => session && session.sid)"


@pytest.mark.parametrize("deployment", ["same site"], indirect=True)
def test_it_works_with_two_apis_of_one_site(world: World, visit: Visit) -> None:
    """Login, requests to both APIs, a reload, logout."""
    first = visit.deployment.api
    second = world.start("guarded").api
    page = visit.context.new_page()
    page.goto(f"{visit.deployment.app}/client?api={first}%20{second}")
    page.wait_for_function("window.client")

    sid = page.evaluate(LOGIN, CREDENTIALS)
    assert page.evaluate(STATUS, f"{first}/api/whoami") == 200
    assert page.evaluate(STATUS, f"{second}/api/whoami") == 200
    page.reload()
    page.wait_for_function("window.client")
    assert page.evaluate(SID) == sid
    page.evaluate("client.logout()")
    assert visit.cookies() == {}
    assert page.evaluate(SID) is None
    assert page.evaluate(STATUS, f"{second}/api/whoami") == 401
