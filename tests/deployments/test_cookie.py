"""The refresh cookie in a real browser: who can read it, where it goes, and when it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deployments.sites import Visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize(
        "deployment", ["same origin", "same site", "guarded", "laptop"], indirect=True
    ),
]


class TestCookie:
    def test_it_carries_the_session(self, visit: Visit) -> None:
        """After a reload the page knows its session, by the cookie alone."""
        sid = visit.login()
        visit.page.reload()
        answer = visit.do("refresh()")
        assert (answer["status"], answer["sid"]) == (200, sid)
        assert visit.do("whoami()")["username"] == "ada"

    def test_script_cannot_read_it(self, visit: Visit) -> None:
        """Neither the app's nor the API's."""
        visit.login()
        (cookie,) = visit.cookies().values()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        assert visit.do("document.cookie") == ""
        api = visit.open(visit.deployment.api, cookie["path"] + "refresh/")
        assert api.evaluate("document.cookie") == ""
        assert api.evaluate("cookieStore.getAll()") == []

    def test_it_goes_to_the_endpoints_only(self, visit: Visit) -> None:
        """Not to /api/, not to /admin/; with the path / it does, which is the price."""
        visit.login()
        name = visit.deployment.cookie
        everywhere = visit.deployment.project == "guarded"
        assert name in str(visit.request_cookies("/auth/refresh/"))
        assert (name in str(visit.request_cookies("/api/whoami"))) is everywhere
        tab = visit.context.new_page()
        response = tab.goto(f"{visit.deployment.api}/admin/login/")
        assert response is not None
        assert response.status == 200
        assert (name in str(response.request.all_headers().get("cookie"))) is everywhere

    def test_logout_removes_it(self, visit: Visit) -> None:
        """From the browser, not only at the server."""
        visit.login()
        assert visit.cookies()
        assert visit.do("logout()")["status"] == 204
        assert visit.cookies() == {}
        assert visit.do("refresh()")["code"] == "refresh_missing"
