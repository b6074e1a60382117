"""How far a command is."""

from __future__ import annotations

from django.core.management.base import OutputWrapper

__all__ = ["Bar"]


class Bar:
    """How far a run is, in one line that is written over.

    Args:
        output: a terminal.
        total: how many there were to begin with; more may turn up.
        what: what they are.
    """

    width = 50

    def __init__(self, output: OutputWrapper, total: int, what: str) -> None:
        self._output, self._total, self._what = output, total, what
        self._shown = -1

    def show(self, done: int) -> None:
        """Draw the line anew if it says something else than before."""
        share = min(1.0, done / max(self._total, 1))
        if int(share * 100) != self._shown:
            self._shown = int(share * 100)
            bar = f"[{'#' * int(share * self.width):<{self.width}}]"
            self._write(f"\r{bar} {self._shown:3} %  {done:,} of {self._total:,} {self._what}")

    def close(self) -> None:
        """End the line, if there is one."""
        if self._shown >= 0:
            self._write("\n")

    def _write(self, text: str) -> None:
        self._output.write(text, style_func=str, ending="")
        self._output.flush()
