"""Fixtures that every test may ask for."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.cache import cache
from django.dispatch import Signal
from django.test import Client
from django.urls import set_urlconf
from django.utils import translation
from hypothesis import settings

from tests import leaks
from tokenauth.conf import DEFAULT_RATES
from tokenauth.counters import counters
from tokenauth.first_uses import first_uses
from tokenauth.revocation_list import revocation_list

pytest_plugins = ["tests.chromium", "tests.lossy", "tests.rules", "tests.vendors"]

# A shared machine stalls now and then, which is no fault of the code.
settings.register_profile("tokenauth", deadline=None)
settings.load_profile("tokenauth")

PASSWORD = "correct horse battery"


class Clock:
    """The time that the package sees: it stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self.start = self.time = start

    def monotonic(self) -> float:
        """Return seconds, as ``tokenauth.system.monotonic`` does."""
        return 1000 + (self.time - self.start).total_seconds()

    def __call__(self) -> datetime:
        """Return the time, as ``tokenauth.system.now`` does."""
        return self.time

    def advance(self, **duration: float) -> datetime:
        """Move by ``days=``, ``hours=``, ``seconds=``...; return the new time."""
        self.time += timedelta(**duration)
        return self.time


class Api:
    """A client of the endpoints: JSON in, JSON out, cookies as a browser keeps them.

    Args:
        access: the access token to send; a login and a refresh replace it.
    """

    def __init__(self, **defaults: Any) -> None:
        self.http = Client(raise_request_exception=False, **defaults)
        self.access: str | None = None
        self.refresh_token: str | None = None

    def request(
        self, method: str, path: str, data: Any = None, *, bearer: bool = True, **extra: Any
    ) -> Any:
        """Send a request; with the access token, if there is one and ``bearer`` is true."""
        headers = dict(extra.pop("headers", {}))
        if bearer and self.access:
            headers.setdefault("Authorization", f"Bearer {self.access}")
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        return getattr(self.http, method)(path, headers=headers, **body, **extra)

    def get(self, path: str, **extra: Any) -> Any:
        """GET."""
        return self.request("get", path, **extra)

    def post(self, path: str, data: Any = None, **extra: Any) -> Any:
        """POST JSON; without data, an empty object."""
        return self.request("post", path, {} if data is None else data, **extra)

    def patch(self, path: str, data: Any, **extra: Any) -> Any:
        """PATCH JSON."""
        return self.request("patch", path, data, **extra)

    def delete(self, path: str, **extra: Any) -> Any:
        """DELETE."""
        return self.request("delete", path, **extra)

    def login(self, username: str = "ada", password: str = PASSWORD, **more: Any) -> Any:
        """Log in, and keep the tokens of a success."""
        return self._keep(
            self.post(
                "/auth/login/", {"username": username, "password": password, **more}, bearer=False
            )
        )

    def refresh(self, token: str | None = None, **extra: Any) -> Any:
        """Refresh, by the cookie or with the token in the body, and keep the tokens."""
        sent = token or self.refresh_token
        data = {"refresh": sent} if sent else {}
        return self._keep(self.post("/auth/refresh/", data, bearer=False, **extra))

    def logout(self, **extra: Any) -> Any:
        """Log out."""
        data = {"refresh": self.refresh_token} if self.refresh_token else {}
        return self.post("/auth/logout/", data, **extra)

    def whoami(self, **extra: Any) -> Any:
        """Ask the protected view of the project."""
        return self.get("/api/whoami", **extra)

    def _keep(self, response: Any) -> Any:
        if response.status_code == 200:
            answer = response.json()
            self.access = answer["access"]
            self.refresh_token = answer.get("refresh", self.refresh_token)
        return response


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Freeze the package's time at a full second; ``clock.advance(hours=8)`` moves it."""
    frozen = Clock(datetime.now(UTC).replace(microsecond=0))
    monkeypatch.setattr("tokenauth.system.now", frozen)
    monkeypatch.setattr("tokenauth.system.monotonic", frozen.monotonic)
    return frozen


@pytest.fixture
def user(db: None) -> User:
    """Ada, who can log in."""
    return get_user_model().objects.create_user("ada", password=PASSWORD)


@pytest.fixture
def staff(db: None) -> User:
    """A superuser."""
    return get_user_model().objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def new_api() -> Callable[..., Api]:
    """Make a client with a cookie jar of its own: another browser."""
    return Api


@pytest.fixture
def api() -> Api:
    """A client that nobody has logged in with."""
    return Api()


@pytest.fixture
def browser(user: User, clock: Clock) -> Api:
    """Ada's single-page app, logged in: the refresh token is in its cookie jar."""
    client = Api()
    assert client.login().status_code == 200
    return client


@pytest.fixture
def app(user: User, clock: Clock) -> Api:
    """Ada's mobile app, logged in: the refresh token is in ``app.refresh_token``."""
    client = Api()
    assert client.login(client="app").status_code == 200
    return client


@pytest.fixture
def received() -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Collect what a signal is sent with: ``received(signal)`` returns the growing list.

    With ``fails=True`` the receiver raises after it has noted the call.
    """
    connected: list[tuple[Signal, Callable[..., None]]] = []

    def collect(signal: Signal, *, fails: bool = False) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def receive(**kwargs: Any) -> None:
            calls.append(kwargs)
            if fails:
                raise RuntimeError("a receiver that fails")

        signal.connect(receive, weak=False)
        connected.append((signal, receive))
        return calls

    yield collect
    for signal, receiver in connected:
        signal.disconnect(receiver)


@pytest.fixture(scope="session")
def watch() -> leaks.Watch:
    """The watch for secrets, in place from the first test to the last."""
    watch = leaks.Watch()
    leaks.install(watch)
    return watch


@pytest.fixture(autouse=True)
def projects_language() -> Iterator[None]:
    """Leave no language behind: a request in German would, in the thread of the tests."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def secrets_seen(watch: leaks.Watch) -> Iterator[leaks.Watch]:
    """Fail a test whose secrets appear in a log record, at DEBUG, or in ``repr()``."""
    watch.start()
    yield watch
    found = watch.leaks()
    assert not found, f"secrets were seen in {', '.join(found)}"


@pytest.fixture
def no_limits(settings: Any) -> None:
    """Limits that are counted as ever and that no test reaches: for those that hammer."""
    settings.TOKENAUTH_THROTTLE_RATES = dict.fromkeys(DEFAULT_RATES, "1000000/min")


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Throttles, caches and lists begin anew, and no URLconf of a test before is in force."""
    cache.clear()
    counters.clear_own()
    revocation_list.forget()
    first_uses.reset()
    set_urlconf(None)  # a response that nobody closed leaves its request's in this thread
