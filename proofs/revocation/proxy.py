"""A network between a worker and its database: each answer takes a while, or none comes at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Proxy", "proxy"]


class Proxy:
    """Passes bytes on; what the database sends arrives later.

    Args:
        target: the port of the database.
        delay: seconds that an answer takes.

    Attributes:
        port: where it listens.
        swallows: whether what the database sends is lost, with no error: a network that drops
            packets.
    """

    def __init__(self, target: int, delay: float) -> None:
        self.port = 0
        self.swallows = False
        self._target, self._delay = target, delay
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._listens.wait()

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection("127.0.0.1", self._target)
        passed = (self._pass(reader, down, 0.0), self._pass(up, writer, self._delay))
        await asyncio.gather(*passed, return_exceptions=True)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float
    ) -> None:
        while data := await reader.read(1 << 16):
            if delay:
                await asyncio.sleep(delay)
                if self.swallows:
                    continue
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def proxy(target: int, delay: float) -> Iterator[Proxy]:
    """Run one while the block lasts. Arguments as for :class:`Proxy`."""
    running = Proxy(target, delay)
    try:
        yield running
    finally:
        running.stop()
