"""Programs that use the recipe for Python clients, and the network that they are on.

The server is the project of the tests, served for real; the network loses answers.
"""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.signals import request_started

from docs.recipes import httpx_client
from docs.recipes.httpx_client import SessionAuth
from docs.recipes.token_file import TokenFile

Send = Callable[[httpx.Request], httpx.Response]
# To read the certificates of the system for each client takes longer than all of its requests.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
Fault = Callable[[httpx.Request, Send], httpx.Response]


def lost(request: httpx.Request, send: Send) -> httpx.Response:
    """The server has done what it was asked, and its answer never arrives."""
    send(request).close()
    raise httpx.ReadTimeout("lost", request=request)


def unreachable(request: httpx.Request, send: Send) -> httpx.Response:
    """The request does not arrive."""
    raise httpx.ConnectError("unreachable", request=request)


def proxy(status: int, content: str = "<h1>Error</h1>", **headers: str) -> Fault:
    """Something between the two answers itself."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, send: httpx.Response(
        status, headers=fields, text=content, request=request
    )


class Network(httpx.BaseTransport):
    """Carries requests to a real server.

    Args:
        faults: what happens to the next requests, one each; then all goes well.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.wire = httpx.HTTPTransport(verify=NO_TLS)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or do what its fault does."""
        if self.faults:
            return self.faults.pop(0)(request, self.wire.handle_request)
        return self.wire.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self.wire.close()


class Device:
    """A program that uses the recipe, and the network that its endpoints are behind.

    Attributes:
        faults: what happens to the next requests to the endpoints.
        store: where it keeps its refresh token.
    """

    def __init__(self, address: str, path: Path, **options: Any) -> None:
        self.faults: list[Fault] = []
        self.store = options.pop("store", None) or TokenFile(path)
        self.auth = SessionAuth(
            f"{address}/auth/",
            self.store,
            connect=lambda: httpx.Client(
                transport=Network(self.faults), follow_redirects=True, verify=NO_TLS
            ),
            **options,
        )
        self.client: dict[str, Any] = {
            "base_url": address,
            "auth": self.auth,
            "timeout": 20,
            "verify": NO_TLS,
        }
        self.http = httpx.Client(**self.client)

    def async_http(self) -> httpx.AsyncClient:
        """Return a client for tasks."""
        return httpx.AsyncClient(**self.client)

    def login(self) -> Any:
        """Log in as Ada; return the session object."""
        return self.auth.login("ada", "correct horse battery")

    def whoami(self) -> tuple[int, Any]:
        """Ask the project's view; return status and body."""
        response = self.http.get("/api/whoami")
        return response.status_code, response.json()


def expire(clock: Any, device: Device) -> None:
    """Let the access token expire."""
    clock.advance(minutes=6)


def spoil(clock: Any, device: Device) -> None:
    """Let the server refuse the access token, of which the client has no idea."""
    end = clock.monotonic() + 120
    device.auth._hold(httpx_client._Access("spoilt", end, end))
    clock.advance(seconds=31)


@pytest.fixture
def project_url(live_server: Any, clock: Any, user: User, monkeypatch: pytest.MonkeyPatch) -> str:
    """Serve the project at the time of ``clock``, which is the client's too; waiting moves it."""
    monkeypatch.setattr(httpx_client, "monotonic", clock.monotonic)
    monkeypatch.setattr(httpx_client, "sleep", lambda seconds: clock.advance(seconds=seconds))
    return str(live_server.url)


@pytest.fixture
def asked(project_url: str) -> Iterator[list[str]]:
    """Return the growing list of the paths that the server is asked for."""
    paths: list[str] = []

    def note(sender: Any, environ: dict[str, Any], **_: Any) -> None:
        paths.append(environ["PATH_INFO"])

    request_started.connect(note)
    yield paths
    request_started.disconnect(note)


@pytest.fixture
def new_device(project_url: str, tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Make a program; all of a test share one file."""
    made: list[Device] = []

    def new(**options: Any) -> Device:
        made.append(Device(project_url, tmp_path / "token", **options))
        return made[-1]

    yield new
    for device in made:
        device.http.close()


@pytest.fixture
def device(new_device: Callable[..., Device], asked: list[str]) -> Device:
    """A program that has just logged in."""
    device = new_device()
    device.login()
    asked.clear()
    return device
