"""What other sites, sibling hosts and frames can do to a logged-in browser: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.demo.browser import Error

if TYPE_CHECKING:
    from tests.deployments.sites import Visit

MALLORY = '{"username": "mallory", "password": "correct horse battery"}'
# A form can make a body that is JSON, all but its type: a name, "=" and a value.
JSON_BY_FORM = {MALLORY[:-1] + ', "ignored": "': '"}'}
NO_CORS = (
    "url => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include', body: %r})"
    ".then(response => response.type)"
)
PREFLIGHTED = (
    "url => fetch(url, {method: 'POST', credentials: 'include', body: %r,"
    " headers: {'Content-Type': 'application/json'}})"
)
ENDPOINTS = ["/auth/login/", "/auth/refresh/", "/auth/logout/", "/auth/reauthenticate/"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("deployment", ["same origin", "same site", "laptop"], indirect=True),
]


def assert_untouched(visit: Visit, sid: str, before: object) -> None:
    """The browser holds what it held, and the session goes on."""
    assert visit.cookies() == before
    answer = visit.do("refresh()")
    assert (answer["status"], answer["sid"]) == (200, sid)


class TestForms:
    def test_a_strangers_forms_bring_no_cookie(self, visit: Visit) -> None:
        """SameSite=Strict: the server sees nobody, and takes nothing away from the browser."""
        sid, before = visit.login(), visit.cookies()
        for path in ENDPOINTS:
            answer = visit.submit(visit.deployment.stranger, path)
            assert visit.deployment.cookie not in answer.request.all_headers().get("cookie", "")
            assert "set-cookie" not in answer.all_headers()
            assert_untouched(visit, sid, before)

    def test_a_siblings_forms_are_refused(self, visit: Visit) -> None:
        """For SameSite they are of the same site: here the proof of the origin decides."""
        sid, before = visit.login(), visit.cookies()
        for path in ("/auth/refresh/", "/auth/logout/"):
            answer = visit.submit(visit.deployment.sibling, path)
            assert visit.deployment.cookie in answer.request.all_headers()["cookie"]
            assert (answer.status, answer.json()["code"]) == (403, "csrf_failed")
            assert "set-cookie" not in answer.all_headers()
            assert_untouched(visit, sid, before)

    @pytest.mark.parametrize("attacker", ["stranger", "sibling"])
    def test_none_logs_the_browser_in(self, visit: Visit, attacker: str) -> None:
        """Login CSRF: neither a browser without a session nor one with a session."""
        origin = getattr(visit.deployment, attacker)
        for _ in range(2):
            before = visit.cookies()
            for kind in ("text/plain", "application/x-www-form-urlencoded"):
                answer = visit.submit(origin, "/auth/login/", JSON_BY_FORM, kind)
                assert (answer.status, answer.json()["code"]) == (415, "unsupported_media_type")
            assert visit.cookies() == before
            sid = visit.login()
        assert visit.do("refresh()")["sid"] == sid


class TestFetch:
    @pytest.mark.parametrize("attacker", ["stranger", "sibling"])
    def test_other_origins_log_nobody_in_or_out(self, visit: Visit, attacker: str) -> None:
        """Without asking first, they can send no JSON; asking first, they are turned down."""
        sid, before = visit.login(), visit.cookies()
        page = visit.open(getattr(visit.deployment, attacker), "/empty")
        for path in ENDPOINTS:
            url = visit.deployment.api + path
            assert page.evaluate(NO_CORS % MALLORY, url) == "opaque"
            assert page.evaluate(NO_CORS % "", url) == "opaque"
            with pytest.raises(Error, match="Failed to fetch"):
                page.evaluate(PREFLIGHTED % MALLORY, url)
        assert_untouched(visit, sid, before)

    def test_other_origins_read_nothing(self, visit: Visit) -> None:
        """What a request with cookies is answered stays in the browser."""
        visit.login()
        page = visit.open(visit.deployment.sibling, "/empty")
        with pytest.raises(Error, match="Failed to fetch"):
            page.evaluate(
                "url => fetch(url, {method: 'POST', credentials: 'include'})",
                f"{visit.deployment.api}/auth/refresh/",
            )


class TestFrames:
    def test_the_app_in_a_strangers_frame_has_no_session(self, lenient_visit: Visit) -> None:
        """Third-party frames are not supported: the cookie is not sent, nor is one kept."""
        sid, before = lenient_visit.login(), lenient_visit.cookies()
        frame = lenient_visit.frame(lenient_visit.deployment.app)
        assert lenient_visit.do("refresh()", frame)["code"] == "refresh_missing"
        assert lenient_visit.do("login()", frame)["status"] == 200
        assert lenient_visit.do("refresh()", frame)["code"] == "refresh_missing"
        assert_untouched(lenient_visit, sid, before)

    def test_a_strangers_frame_in_the_app_has_none(self, lenient_visit: Visit) -> None:
        """An advertisement in the page."""
        sid, before = lenient_visit.login(), lenient_visit.cookies()
        page = lenient_visit.open(lenient_visit.deployment.app, "/frameable")
        page.evaluate(
            "url => new Promise(done => document.body.append(Object.assign("
            "document.createElement('iframe'), { src: url, onload: done })))",
            f"{lenient_visit.deployment.stranger}/empty",
        )
        url = f"{lenient_visit.deployment.api}/auth/refresh/"
        with page.expect_response(url) as response:
            page.frames[1].evaluate(NO_CORS % "", url)
        assert "cookie" not in response.value.request.all_headers()
        assert_untouched(lenient_visit, sid, before)

    def test_the_documented_policy_forbids_frames(self, visit: Visit) -> None:
        """The page that people use cannot be framed at all."""
        frame = visit.frame(visit.deployment.app, "/")
        assert frame.evaluate("location.href").startswith("chrome-error:")
