"""A directory on this machine, spoken to over TCP in LDAP's own bytes (RFC 4511): simple binds.

Enough of BER for bind requests and their answers; the rules of RFC 4513 that a backend must not
trip over are kept: a bind without a password succeeds, and proves nothing.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

SUCCESS, INVALID_CREDENTIALS, UNAVAILABLE = 0, 49, 52
_SEQUENCE, _INTEGER, _OCTETS, _ENUMERATED = 0x30, 0x02, 0x04, 0x0A
_BIND_REQUEST, _BIND_RESPONSE, _SIMPLE = 0x60, 0x61, 0x80


def ber(tag: int, *parts: bytes) -> bytes:
    """Return one BER element."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def element(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the body of the first element, and what follows it."""
    tag, size, start = data[0], data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    return tag, data[start : start + size], data[start + size :]


def bind(address: tuple[str, int], name: str, password: str) -> int:
    """Bind as a client does; return the result code (RFC 4511 section 4.2)."""
    request = ber(
        _BIND_REQUEST,
        ber(_INTEGER, b"\x03"),
        ber(_OCTETS, name.encode()),
        ber(_SIMPLE, password.encode()),
    )
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(ber(_SEQUENCE, ber(_INTEGER, b"\x01"), request))
        answer = connection.recv(4096)
    _, message, _ = element(answer)
    _, _, rest = element(message)
    tag, body, _ = element(rest)
    assert tag == _BIND_RESPONSE
    return element(body)[1][0]


class Directory:
    """Entries by their name.

    Attributes:
        passwords: of those who may bind.
        binds: the names that somebody has tried, in order.
        is_down: whether it answers that it cannot.
    """

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.binds: list[str] = []
        self.is_down = False
        self.address = ("", 0)

    def judge(self, name: str, password: str) -> int:
        """Return the result code of a bind."""
        self.binds.append(name)
        if self.is_down:
            return UNAVAILABLE
        if not password:
            return SUCCESS  # an unauthenticated bind, RFC 4513 section 5.1.2
        return SUCCESS if self.passwords.get(name) == password else INVALID_CREDENTIALS


class _Handler(StreamRequestHandler):
    directory: Directory

    def handle(self) -> None:
        """Answer one bind."""
        head = self.rfile.read(2)
        length = head[1]
        more = self.rfile.read(length & 0x7F) if length & 0x80 else b""
        size = int.from_bytes(more, "big") if more else length
        _, number, rest = element(self.rfile.read(size))
        _, body, _ = element(rest)
        _, _version, rest = element(body)
        _, name, rest = element(rest)
        _, password, _ = element(rest)
        code = self.directory.judge(name.decode(), password.decode())
        answer = ber(_BIND_RESPONSE, ber(_ENUMERATED, bytes([code])), ber(_OCTETS), ber(_OCTETS))
        self.wfile.write(ber(_SEQUENCE, ber(_INTEGER, number), answer))


@contextmanager
def serve() -> Iterator[Directory]:
    """Run a directory for as long as the block."""
    directory = Directory()
    handler = type("Handler", (_Handler,), {"directory": directory})
    server = ThreadingTCPServer(("127.0.0.1", 0), handler)
    directory.address = ("127.0.0.1", server.server_address[1])
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield directory
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
