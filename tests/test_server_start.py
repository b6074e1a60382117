"""Real servers: no system check runs under them, and still none may start on a wrong setting."""

import http.client
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.processes import ROOT, environment

PATIENCE = 60.0  # seconds, after which a server that says nothing is killed
SERVERS = {
    "gunicorn": [
        *("gunicorn", "--worker-class", "sync", "--workers", "1", "--bind", "127.0.0.1:0"),
        "django.core.wsgi:get_wsgi_application()",
    ],
    "uvicorn": [
        *("uvicorn", "--host", "127.0.0.1", "--port", "0", "--lifespan", "off", "--factory"),
        "django.core.asgi:get_asgi_application",
    ],
}
# What each says once it listens, on a port that was free.
LISTENING = re.compile(r"(?:Listening at:|running on) http://127\.0\.0\.1:(\d+)")
WRONG = [
    ({"TOKENAUTH_GRACE_PERIOD": 30}, "tokenauth.E010"),
    ({"TOKENAUTH_ACESS_TOKEN_LIFETIME": 300}, "tokenauth.E001"),
    ({"TOKENAUTH_SIGNING_KEYS": ["not a key"]}, "tokenauth.E021"),
]
RIGHT: list[dict[str, Any]] = [
    {},
    {"USE_TZ": False, "SILENCED_SYSTEM_CHECKS": ["tokenauth.E004"]},
]

pytestmark = pytest.mark.parametrize("server", SERVERS)


@contextmanager
def started(server: str, settings: dict[str, Any]) -> Iterator["subprocess.Popen[str]"]:
    """Start a server; kill it at the end, or when it takes too long."""
    process = subprocess.Popen(
        [sys.executable, "-m", *SERVERS[server]],
        cwd=ROOT,
        env=environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate(timeout=PATIENCE)


def port_of(process: "subprocess.Popen[str]") -> int:
    """Return the port that a server says it listens on; read its standard error until then."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := LISTENING.search(line):
            return int(found[1])
    pytest.fail("".join(said))


@pytest.mark.parametrize(("settings", "number"), WRONG, ids=[number for _, number in WRONG])
class TestWrongSetting:
    def test_stops_the_server(self, server: str, settings: dict[str, Any], number: str) -> None:
        """The process ends with an error, and says which check refused."""
        with started(server, settings) as process:
            _, said = process.communicate(timeout=PATIENCE)
            assert process.returncode not in {0, None}
            assert number in said


@pytest.mark.parametrize("settings", RIGHT, ids=["none", "silenced"])
class TestRightSettings:
    def test_let_it_answer(self, server: str, settings: dict[str, Any]) -> None:
        """A request reaches the endpoints."""
        with started(server, settings) as process:
            connection = http.client.HTTPConnection("127.0.0.1", port_of(process), timeout=PATIENCE)
            connection.request("POST", "/auth/refresh/", headers={"Host": "localhost"})
            response = connection.getresponse()
            body = response.read()
            connection.close()
        assert response.status == 401
        assert b'"refresh_missing"' in body
