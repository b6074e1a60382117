"""The event loop: simulated seconds, no real time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

__all__ = ["Engine"]


class Engine:
    """A heap of what is to happen, and the time that it is.

    Attributes:
        now: seconds since the start of the first day.
        stopped: set it to end :meth:`run` after the event under way.
    """

    __slots__ = ("_heap", "_order", "now", "stopped")

    def __init__(self) -> None:
        self.now = 0.0
        self.stopped = False
        self._heap: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._order = 0

    def at(self, when: float, call: Callable[..., Any], *arguments: Any) -> None:
        """Have something called at a time; what is set for the same time keeps its order.

        Args:
            when: in seconds, not before now.
            call: what to call.
            arguments: what to call it with.
        """
        self._order += 1
        heapq.heappush(self._heap, (when, self._order, call, arguments))

    def run(self, until: float) -> None:
        """Let time pass.

        Args:
            until: in seconds; what is set for later stays undone.
        """
        heap, pop = self._heap, heapq.heappop
        while heap and not self.stopped and heap[0][0] <= until:
            self.now, _, call, arguments = pop(heap)
            call(*arguments)
        if not self.stopped:
            self.now = until
