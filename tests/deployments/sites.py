"""The deployments by name, and what is done in a browser that visits one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, Page, Response

__all__ = ["DEPLOYMENTS", "Deployment", "Visit"]

STRANGER = "https://www.evil.test"
SUBMIT = """
([action, fields, type]) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action, enctype: type });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  form.submit();
}
"""


@dataclass(frozen=True)
class Deployment:
    """Where things are.

    Attributes:
        project: the settings, of tests/deployments/projects.
        app: the origin of the app's page.
        api: the origin of the API.
        sibling: an origin of the API's site that nobody trusts.
        stranger: an origin of another site.
        cookie: the name of the refresh cookie.
    """

    project: str
    app: str
    api: str
    sibling: str = "https://blog.example.test"
    stranger: str = STRANGER
    cookie: str = "__Secure-tokenauth-refresh"


_APP, _SHOP = "https://app.example.test", "https://www.shop.test"
# One browser visits them all, so each API has a name of its own.
DEPLOYMENTS = {
    "same origin": Deployment(
        "same_origin", "https://one.example.test", "https://one.example.test"
    ),
    "same site": Deployment("same_site", _APP, "https://api.example.test"),
    "guarded": Deployment(
        "guarded", _APP, "https://guarded.example.test", cookie="__Host-Http-tokenauth-refresh"
    ),
    "careless": Deployment("careless", _APP, "https://careless.example.test"),
    "other site": Deployment("cross_site_body", _SHOP, "https://body.example.test"),
    "other site, cookie": Deployment("cross_site_cookie", _SHOP, "https://cookie.example.test"),
    "laptop": Deployment(
        "laptop",
        "http://localhost:5173",
        "http://localhost:8000",
        sibling="http://localhost:3000",
        stranger="http://www.evil.test",
        cookie="tokenauth-refresh",
    ),
}


class Visit:
    """One profile of a browser, that has the app's page open."""

    def __init__(self, deployment: Deployment, context: BrowserContext) -> None:
        self.deployment, self.context = deployment, context
        self.page = self.open(deployment.app)

    def open(self, origin: str, path: str = "/") -> Page:
        """Open a page in a new tab; the app's pages know where the API is."""
        page = self.context.new_page()
        page.goto(f"{origin}{path}{'&' if '?' in path else '?'}api={self.deployment.api}")
        return page

    def frame(self, origin: str, path: str = "/frameable") -> Frame:
        """Open a stranger's page that has a page in a frame; return the frame."""
        page = self.open(self.deployment.stranger, "/empty")
        url = f"{origin}{path}?api={self.deployment.api}"
        page.evaluate(
            "url => new Promise(done => document.body.append(Object.assign("
            "document.createElement('iframe'), { src: url, onload: done })))",
            url,
        )
        return page.frames[1]

    def do(self, call: str, page: Page | Frame | None = None) -> Any:
        """Call a function of the app's script; return status, code and what else it saw."""
        return (page or self.page).evaluate(call)

    def login(self, username: str = "ada") -> str:
        """Log in; return the session's id."""
        answer = self.do(f"login('{username}')")
        assert answer["status"] == 200, answer
        return str(answer["sid"])

    def request_cookies(self, path: str) -> str | None:
        """Have the app fetch from the API with cookies; return the Cookie header that was sent."""
        url = self.deployment.api + path
        with self.page.expect_response(url) as response:
            self.page.evaluate("path => get(path)", path)
        return response.value.request.all_headers().get("cookie")

    def submit(
        self,
        origin: str,
        path: str,
        fields: dict[str, str] | None = None,
        kind: str = "application/x-www-form-urlencoded",
    ) -> Response:
        """Send a form of an attacker's page to the API; return the answer."""
        page = self.open(origin, "/empty")
        action = self.deployment.api + path
        with page.expect_response(action) as response:
            page.evaluate(SUBMIT, [action, fields or {}, kind])
        page.wait_for_load_state()
        return response.value

    def cookies(self) -> dict[str, Any]:
        """Return the refresh cookies of the API's host and above, by name and domain."""
        host = str(urlsplit(self.deployment.api).hostname)
        return {
            cookie["domain"]: cookie
            for cookie in self.context.cookies()
            if cookie["name"] == self.deployment.cookie
            and (cookie["domain"] == host or host.endswith(cookie["domain"]))
        }
