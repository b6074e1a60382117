"""A refresh token in a file, for httpx_client.py. See httpx_client.md."""  # noqa: INP001 - docs

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep  # noqa: TID251 - a program of its own, with its own clock

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # asked for before it is used

LOCK_PATIENCE = 60.0  # seconds, after which a process goes on without the lock
POLL = 0.05  # seconds between two looks at a lock that another process has


class TokenFile:
    """A refresh token in a file that is always whole, and that its owner alone can read.

    Args:
        path: of the file, one for each account, in a directory that nobody else can write to.
            ``.lock`` is added for the file of the lock.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def load(self) -> str | None:
        """Return the token, or ``None`` without one."""
        try:
            return self.path.read_text("ascii") or None
        except FileNotFoundError:
            return None

    def save(self, token: str) -> None:
        """Replace the token. When this returns, it outlives a power failure.

        Raises:
            OSError: it was not saved; the one before is still there.
        """
        # Mode 0600 from the first byte on, and never half a token under the name that is read.
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(token)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._sync_directory()

    def clear(self) -> None:
        """Remove the token."""
        self.path.unlink(missing_ok=True)
        self._sync_directory()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out while the block lasts, where the system has ``fcntl``.

        It saves requests, and nothing depends on it: after a minute the block runs without.
        """
        if fcntl is None:
            yield
            return
        handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            end = monotonic() + LOCK_PATIENCE
            while not _try_lock(handle) and monotonic() < end:
                sleep(POLL)
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)  # a child that was forked has the handle too
            os.close(handle)

    def _sync_directory(self) -> None:
        if fcntl is None:
            return  # Windows opens no directories
        handle = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
