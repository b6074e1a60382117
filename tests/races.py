"""Threads that do the same thing at the same moment, each with a connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")


class Racers:
    """Threads that keep their connections from one round to the next.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._line = Barrier(count)
        self._pool = ThreadPoolExecutor(count)

    def run(self, *actions: Callable[[], T]) -> list[T]:
        """Do each action once, all at the same moment; one action alone is done by all."""
        todo = actions * self.count if len(actions) == 1 else actions
        assert len(todo) == self.count
        return [future.result() for future in [self._pool.submit(self._go, act) for act in todo]]

    def _go(self, action: Callable[[], T]) -> T:
        self._line.wait(timeout=60)
        return action()

    def close(self) -> None:
        """Close the connections, and end the threads."""
        self.run(connections.close_all)
        self._pool.shutdown()


@contextmanager
def racers(count: int, **options: Any) -> Iterator[Racers]:
    """Start so many threads; ``options`` are for the connections that they open."""
    settings = connections.settings["default"]
    before = settings["OPTIONS"]
    settings["OPTIONS"] = before | options
    threads = Racers(count)
    try:
        yield threads
    finally:
        threads.close()
        settings["OPTIONS"] = before
