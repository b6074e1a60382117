"""The deployments served, and a browser that finds them by their names."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.chromium import CHROMIUM, FLAGS, driver
from tests.deployments import pages, server
from tests.deployments.sites import DEPLOYMENTS, Deployment, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Playwright

# What lets a profile keep the cookies of third parties, where a browser does not by itself.
KEEPS_ALL_COOKIES = '{"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": false}}'


class World:
    """The pages, and the projects, each of which is started when it is first visited.

    Args:
        directory: for the database and the certificate.
        stack: what ends with the tests.
    """

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.stack, self.started = stack, set[str]()
        self.certificate, self.database = directory / "tls.pem", directory / "db.sqlite3"
        self.digest = server.make_certificate(self.certificate)
        server.install(self.database)
        self.pages = {
            "https": stack.enter_context(pages.serve(self.certificate)),
            "http": stack.enter_context(pages.serve()),
        }
        self.listeners = {
            name: stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
            for name in DEPLOYMENTS
        }

    @property
    def flags(self) -> list[str]:
        """What makes a browser find everything by its name, on the usual ports."""
        ports = {
            _host(deployment.api): self.listeners[name].getsockname()[1]
            for name, deployment in DEPLOYMENTS.items()
        }
        for deployment in DEPLOYMENTS.values():
            for origin in (deployment.app, deployment.sibling, deployment.stranger):
                ports.setdefault(_host(origin), self.pages[urlsplit(origin).scheme])
        rules = ", ".join(f"MAP {host} 127.0.0.1:{port}" for host, port in ports.items())
        return [
            *FLAGS,
            f"--host-resolver-rules={rules}",
            f"--ignore-certificate-errors-spki-list={self.digest}",
        ]

    def start(self, name: str) -> Deployment:
        """Start a project, if it does not run yet."""
        deployment = DEPLOYMENTS[name]
        if name not in self.started:
            tls = self.certificate if deployment.api.startswith("https") else None
            running = server.serve(deployment.project, self.database, self.listeners[name], tls)
            self.stack.enter_context(running)
            host = urlsplit(deployment.api).hostname or ""
            server.wait_for_answer(self.listeners[name].getsockname()[1], host, tls)
            self.started.add(name)
        return deployment


def _host(origin: str) -> str:
    parts = urlsplit(origin)
    return f"{parts.hostname}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}"


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Run Playwright."""
    with driver() as running:
        yield running


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return what serves the deployments."""
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("deployments"), stack)


@pytest.fixture(scope="package")
def browser(world: World, playwright: Playwright) -> Iterator[Browser]:
    """Run the one browser that visits them."""
    started = playwright.chromium.launch(executable_path=CHROMIUM, args=world.flags)
    with closing(started):
        yield started


@pytest.fixture
def deployment(world: World, request: pytest.FixtureRequest) -> Deployment:
    """The deployment that the test names."""
    return world.start(request.param)


@pytest.fixture
def visit(browser: Browser, deployment: Deployment) -> Iterator[Visit]:
    """A new profile, at the app's page. As most browsers do, it keeps no third party's cookies."""
    context = browser.new_context()
    with closing(context):
        yield Visit(deployment, context)


@pytest.fixture(scope="package")
def lenient(
    world: World, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """Run a browser that keeps the cookies of third parties."""
    profile = tmp_path_factory.mktemp("profile")
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir()
    preferences.write_text(KEEPS_ALL_COOKIES)
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=world.flags
    )
    with closing(context):
        yield context


@pytest.fixture
def lenient_visit(lenient: BrowserContext, deployment: Deployment) -> Iterator[Visit]:
    """The app's page in that browser, whose only protection is SameSite."""
    yield Visit(deployment, lenient)
    lenient.clear_cookies()
    for page in lenient.pages[1:]:
        page.close()
