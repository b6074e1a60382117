"""The pages of the deployments: those of the app, and those of whoever attacks it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

__all__ = ["POLICY", "content", "serve"]

HERE = Path(__file__).parent
SCRIPTS = {
    "/app.js": HERE / "app.js",
    "/client.js": HERE / "client.js",
    "/tokenauth.js": HERE.parents[1] / "tokenauth" / "static" / "tokenauth" / "tokenauth.js",
}
# As docs/deployments.md prints it.
POLICY = "default-src 'self'; connect-src 'self' {api}; frame-ancestors 'none'"
Answer = tuple[str, dict[str, str], bytes]


def content(url: str) -> Answer | None:
    """Return type, headers and body of a page: ``None`` for one that does not exist.

    ``/`` is the app's page with its policy, ``/client`` that of an app on the package's client,
    ``/bare`` lacks ``connect-src``, ``/frameable`` has no policy, ``/empty`` is an attacker's, and
    ``/plant`` sets the cookie that its query asks for.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    policy = POLICY.format(api=query.get("api", "")).replace(" ;", ";")
    app = b'<!doctype html><title>App</title><script src="/app.js"></script>'
    client = b'<!doctype html><title>App</title><script type="module" src="/client.js"></script>'
    attack = b"<!doctype html><title>Attack</title>"
    found = {
        "/": ({"Content-Security-Policy": policy}, app),
        "/client": ({"Content-Security-Policy": policy}, client),
        "/bare": ({"Content-Security-Policy": "default-src 'self'"}, app),
        "/frameable": ({}, app),
        "/empty": ({}, attack),
        "/plant": ({"Set-Cookie": query.get("cookie", "")}, attack),
    }
    if parts.path in SCRIPTS:
        return "text/javascript", {}, SCRIPTS[parts.path].read_bytes()
    return ("text/html", *found[parts.path]) if parts.path in found else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = content(self.path)
        kind, headers, body = found or ("text/plain", {}, b"")
        self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: browsers open connections that they do not use."""


@contextmanager
def serve(certificate: Path | None = None) -> Iterator[int]:
    """Serve the pages for every host while the block lasts; yield the port.

    Args:
        certificate: for TLS, a file with a certificate and its key.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
