"""What staff do in a browser, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.console_browser.people import PASSWORD
from tests.demo.browser import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

__all__ = [
    "EVENTS",
    "FIND",
    "OVERVIEW",
    "REVOKE_MANY",
    "SESSIONS",
    "USERS",
    "Desk",
    "answer",
    "choose",
    "open_session",
]

SESSIONS = "/admin/tokenauth/authsession/"
OVERVIEW = f"{SESSIONS}overview/"
REVOKE_MANY = f"{SESSIONS}revoke/"
FIND = f"{SESSIONS}find-by-token/"
EVENTS = "/admin/tokenauth/authevent/"
USERS = "/admin/auth/user/"


class Desk:
    """One member of staff's browser profile, which notes whatever its pages complain about.

    Attributes:
        faults: errors of the console, breaches of the policy among them, exceptions, and requests
            to another origin.
    """

    def __init__(self, browser: Browser, address: str, **profile: Any) -> None:
        self.address = address
        self.faults: list[str] = []
        profile = {"viewport": {"width": 1280, "height": 900}, "base_url": address, **profile}
        self.context: BrowserContext = browser.new_context(**profile)
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on(
            "console",
            # Browsers ask for this by themselves, and a project may have none.
            lambda said: (
                self.faults.append(f"{said.text} {said.location}")
                if said.type == "error" and not said.location["url"].endswith("/favicon.ico")
                else None
            ),
        )
        self.page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((address, "data:"))
                else self.faults.append(request.url)
            ),
        )

    def log_in(self, name: str, password: str = PASSWORD) -> Page:
        """Log in to the admin."""
        self.page.goto("/admin/login/?next=/admin/")
        self.page.locator("[name=username]").fill(name)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("[type=submit]").first.click()
        expect(self.page).to_have_url(f"{self.address}/admin/")
        return self.page


def open_session(page: Page, search: str, device: str) -> None:
    """Find a session of a user by the name of its device, and open it."""
    page.goto(f"{SESSIONS}?q={search}")
    page.locator("#result_list").get_by_role("link", name=device).first.click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()


def answer(page: Page, note: str = "Ticket 12") -> None:
    """Answer the question before a revocation with yes."""
    page.get_by_label("Note").fill(note)
    page.get_by_role("button", name="Yes, revoke").click()


def choose(page: Page, action: str, device: str) -> None:
    """Select a row of the list and run an action."""
    row = page.locator("#result_list tr").filter(has_text=device)
    row.locator("input[name=_selected_action]").check()
    page.locator("select[name=action]").select_option(label=action)
    page.locator("button[name=index]").first.click()
