"""A bad network between the browser and the server: it delays, reorders, loses and counts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

__all__ = ["REFRESH", "Exchange", "Fault", "Gate", "Proxy"]

REFRESH = "/auth/refresh/"
PATIENCE = 30.0
"""Seconds after which something that a test waits for is not going to happen."""


@dataclass
class Exchange:
    """One request that came by. Times are seconds of ``time.time()``, the browser's clock too.

    Attributes:
        asked: when all of it was here.
        over: when its answer was passed on, was lost, or had nobody to go to; 0 before that.
        status: of the server's answer; 0 without one.
        outcome: ``passed``, ``lost`` by a fault, ``unreachable``: the server; ``left``: the
            browser had gone.
    """

    method: str
    target: str
    bearer: str
    asked: float
    over: float = 0.0
    status: int = 0
    outcome: str = ""
    sets_cookie: bool = False

    @property
    def path(self) -> str:
        """What was asked for, without its query."""
        return self.target.partition("?")[0]


@dataclass
class Gate:
    """Holds answers back: the server has done what it was asked, and the browser does not know."""

    _held: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def wait(self, number: int = 1) -> None:
        """Wait until so many more answers are held."""
        for _ in range(number):
            if not self._held.acquire(timeout=PATIENCE):
                raise TimeoutError("No answer came to the gate.")

    def open(self) -> None:
        """Let everything pass, from now on."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._open.set)

    async def pass_through(self) -> None:
        """Be held, in the proxy's thread."""
        self._held.release()
        await self._open.wait()


@dataclass
class Fault:
    """What happens to one exchange.

    Args:
        before: seconds until the server gets the request.
        after: seconds until the browser gets the answer.
        lost: the browser gets none: its connection is closed.
        gate: what holds the answer back.
    """

    before: float = 0.0
    after: float = 0.0
    lost: bool = False
    gate: Gate | None = None


class Proxy:
    """An HTTP/1.1 proxy in a thread of its own.

    Attributes:
        address: what the browser is told.
        target: the port of the server.
        plan: chooses the fault of each exchange; ``None``: it passes.
        exchanges: all that came by, in the order of their arrival.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.address = ""
        self.plan: Callable[[Exchange], Fault | None] = lambda _: None
        self.exchanges: list[Exchange] = []
        self._loop = asyncio.new_event_loop()
        self._listens, self._stopped = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._run()])
        self._thread.start()
        if not self._listens.wait(PATIENCE):
            raise TimeoutError("The proxy does not listen.")

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    def forget(self) -> None:
        """Begin anew: no fault, nothing seen."""
        self.plan = lambda _: None
        self.exchanges = []

    def seen(self, path: str) -> list[Exchange]:
        """Return the exchanges of one path."""
        return [exchange for exchange in self.exchanges if exchange.path == path]

    def most_at_once(self, path: str) -> int:
        """Return the largest number of requests for one path that were under way together."""
        edges = [(exchange.asked, 1) for exchange in self.seen(path)]
        edges += [(exchange.over, -1) for exchange in self.seen(path) if exchange.over]
        most = now = 0
        for _, step in sorted(edges):
            now += step
            most = max(most, now)
        return most

    @contextmanager
    def gate(self, path: str) -> Iterator[Gate]:
        """Hold the answers for one path until the gate is opened, at the latest at the end."""
        gate, before = Gate(_loop=self._loop), self.plan
        self.plan = lambda exchange: Fault(gate=gate) if exchange.path == path else None
        try:
            yield gate
        finally:
            self.plan = before
            gate.open()

    async def _run(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            # One that is cancelled before it begins would leave its connection open.
            task.add_done_callback(lambda _: writer.close())

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listens.set()
        await self._stopped.wait()
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which is good for one request."""
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                request = await _read_request(reader)
                await self._exchange(request, reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, target, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
        bearer = _header(request, b"authorization").removeprefix("Bearer ")
        exchange = Exchange(method, target, bearer, time.time())
        self.exchanges.append(exchange)
        fault = self.plan(exchange) or Fault()
        gone = asyncio.ensure_future(reader.read(1))  # the browser sends no more on this one
        try:
            await asyncio.sleep(fault.before)
            answer = await self._ask(request)
            if answer:
                exchange.status = int(answer.split(b" ", 2)[1])
                exchange.sets_cookie = bool(_header(answer, b"set-cookie"))
            await asyncio.sleep(fault.after)
            if fault.gate:
                await fault.gate.pass_through()
            exchange.over = time.time()
            exchange.outcome = _outcome(answer, lost=fault.lost, left=gone.done())
            if exchange.outcome == "passed":
                writer.write(answer)
                await writer.drain()
        finally:
            exchange.over = exchange.over or time.time()
            gone.cancel()

    async def _ask(self, request: bytes) -> bytes:
        """Return the server's whole answer; empty if it gives none."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return b""
        try:
            writer.write(request)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def _outcome(answer: bytes, *, lost: bool, left: bool) -> str:
    if not answer:
        return "unreachable"
    if lost:
        return "lost"
    return "left" if left else "passed"


def _header(message: bytes, name: bytes) -> str:
    for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip().decode("latin-1")
    return ""


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    """Return one whole request, which asks for the connection to be closed after the answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(_header(head, b"content-length") or 0))
    first, *lines = head[:-4].split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", body])
