"""A cookie that a sibling host plants for the whole site."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.deployments.sites import Visit

PATHS = ["/", "/auth/", "/auth/refresh/", "/auth/refresh"]

pytestmark = pytest.mark.browser


def plant(visit: Visit, path: str, value: str = "planted") -> None:
    """Set a cookie of the refresh cookie's name on a sibling's page, by script and by answer."""
    sibling = visit.deployment.sibling
    cookie = f"{visit.deployment.cookie}={value}; Domain=example.test; Path={path}; Secure"
    page = visit.open(sibling, "/empty")
    page.evaluate("cookie => { document.cookie = cookie }", cookie)
    page.goto(f"{sibling}/plant?cookie={quote(f'{cookie}; HttpOnly; SameSite=Strict')}")
    page.close()


@pytest.mark.parametrize("deployment", ["same origin", "same site"], indirect=True)
class TestNarrowPath:
    def test_it_is_refused_and_removed(self, visit: Visit) -> None:
        """One refresh fails, and the honest session goes on by the next; wherever it is planted."""
        sid, before = visit.login(), visit.cookies()
        for path in PATHS:
            plant(visit, path)
            assert len(visit.cookies()) == 2
            answer = visit.do("refresh()")
            assert (answer["status"], answer["code"]) == (400, "refresh_ambiguous")
            assert visit.cookies() == before
            answer = visit.do("refresh()")
            assert (answer["status"], answer["sid"]) == (200, sid)


def session_of_mallory(visit: Visit) -> tuple[str, str]:
    """Log in as somebody else, who copies what the browser got; return session id and cookie."""
    sid = visit.login("mallory")
    (cookie,) = visit.cookies().values()
    visit.context.clear_cookies()
    return sid, cookie["value"]


@pytest.mark.parametrize("deployment", ["same site", "guarded"], indirect=True)
class TestWithoutSession:
    def test_a_planted_session_is_a_login_unless_guarded(self, visit: Visit) -> None:
        """The limit that the path / removes."""
        sid, value = session_of_mallory(visit)
        plant(visit, "/auth/", value)
        answer = visit.do("refresh()")
        if visit.deployment.project == "guarded":
            assert answer["code"] == "refresh_missing"
        else:
            assert answer["sid"] == sid


@pytest.mark.parametrize("deployment", ["guarded"], indirect=True)
class TestHostPrefix:
    def test_it_cannot_be_planted(self, visit: Visit) -> None:
        """With the path / the name has a prefix that no other host can set."""
        for path in PATHS:
            plant(visit, path)
        assert visit.cookies() == {}
        assert visit.do("refresh()")["code"] == "refresh_missing"
        sid, before = visit.login(), visit.cookies()
        assert len(before) == 1
        for path in PATHS:
            plant(visit, path)
        assert visit.cookies() == before
        answer = visit.do("refresh()")
        assert (answer["status"], answer["sid"]) == (200, sid)
