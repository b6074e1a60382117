"""The page on another origin than the API: what each deployment makes possible, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import Error

if TYPE_CHECKING:
    from tests.deployments.sites import Visit

pytestmark = pytest.mark.browser

EMPTY = "url => fetch(url, {method: 'POST', credentials: 'include'}).then(answer => answer.json())"
LOGIN = (
    "url => fetch(url, {method: 'POST', credentials: 'include', headers: {'Content-Type': "
    "'application/json'}, body: JSON.stringify({username: 'mallory', password: "
    "'correct horse battery'})}).then(answer => answer.json())"
)


class TestTwoOrigins:
    @pytest.mark.parametrize(
        "deployment", ["same site", "laptop", "other site", "other site, cookie"], indirect=True
    )
    def test_script_reads_what_the_protocol_needs(self, visit: Visit) -> None:
        """Codes of refusals, Retry-After and WWW-Authenticate."""
        answer = visit.do("ask('GET', '/auth/me/')")
        assert (answer["status"], answer["code"]) == (401, "not_authenticated")
        assert answer["challenge"] == "Bearer"
        answer = visit.do("ask('GET', '/api/busy')")
        assert (answer["status"], answer["retryAfter"]) == (429, "7")

    @pytest.mark.parametrize("deployment", ["same site", "other site"], indirect=True)
    def test_the_policy_must_name_the_api(self, visit: Visit) -> None:
        """Without connect-src the page's own browser stops it."""
        page = visit.open(visit.deployment.app, "/bare")
        with pytest.raises(Error, match="Failed to fetch"):
            visit.do("refresh()", page)

    @pytest.mark.parametrize("deployment", ["careless"], indirect=True)
    def test_cors_alone_lets_nobody_act(self, visit: Visit) -> None:
        """A sibling in CORS_ALLOWED_ORIGINS, but not in CSRF_TRUSTED_ORIGINS."""
        sid = visit.login()
        before = visit.cookies()
        page = visit.open(visit.deployment.sibling, "/empty")
        for path, script in (("login", LOGIN), ("refresh", EMPTY), ("logout", EMPTY)):
            answer = page.evaluate(script, f"{visit.deployment.api}/auth/{path}/")
            assert answer["code"] == "csrf_failed"
        assert visit.cookies() == before
        assert visit.do("refresh()")["sid"] == sid


@pytest.mark.parametrize("deployment", ["other site, cookie"], indirect=True)
class TestThirdPartyCookie:
    def test_most_browsers_do_not_keep_it(self, visit: Visit) -> None:
        """The login succeeds, and the session is lost with the page."""
        assert visit.login()
        assert visit.cookies() == {}
        assert visit.do("refresh()")["code"] == "refresh_missing"

    def test_a_browser_that_keeps_it_has_a_session(self, lenient_visit: Visit) -> None:
        """All of it works there, until the browser changes its mind."""
        sid = lenient_visit.login()
        (cookie,) = lenient_visit.cookies().values()
        assert (cookie["sameSite"], cookie["httpOnly"], cookie["secure"]) == ("None", True, True)
        lenient_visit.page.reload()
        assert lenient_visit.do("refresh()")["sid"] == sid
        assert lenient_visit.do("whoami()")["username"] == "ada"
        assert lenient_visit.do("logout()")["status"] == 204
        assert lenient_visit.cookies() == {}

    def test_there_only_the_origin_proves_anything(self, lenient_visit: Visit) -> None:
        """Every site's forms bring the cookie; all are refused."""
        sid, before = lenient_visit.login(), lenient_visit.cookies()
        for path in ("/auth/refresh/", "/auth/logout/"):
            answer = lenient_visit.submit(lenient_visit.deployment.stranger, path)
            assert lenient_visit.deployment.cookie in answer.request.all_headers()["cookie"]
            assert (answer.status, answer.json()["code"]) == (403, "csrf_failed")
        assert lenient_visit.cookies() == before
        assert lenient_visit.do("refresh()")["sid"] == sid


@pytest.mark.parametrize("deployment", ["other site"], indirect=True)
class TestBodyTransport:
    def test_the_session_lives_as_long_as_the_page(self, visit: Visit) -> None:
        """In any browser: no cookie is needed, and none is set."""
        sid = visit.do("loginByBody()")["sid"]
        assert visit.do("refreshByBody()")["sid"] == sid
        assert visit.do("whoami()")["username"] == "ada"
        assert visit.context.cookies() == []
        visit.page.reload()
        assert visit.do("refreshByBody()")["code"] == "bad_request"  # it has none to send
