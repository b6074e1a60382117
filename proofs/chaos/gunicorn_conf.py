"""Gunicorn's configuration: workers that start quickly, and one of them with a wrong clock.

``CHAOS_SKEW``
    How many seconds the clock of one worker is off.
``CHAOS_SKEW_LOCK``
    The file whose lock makes it one: whoever holds it has the wrong clock, and when that worker
    is killed, the kernel gives the lock to the next one that starts.
"""

import fcntl
import os
from datetime import datetime, timedelta
from typing import Any

from tokenauth import system

# Killed workers come back in milliseconds: they are forked from a process that has loaded Django.
preload_app = True
timeout = 120
# It would be one file in the home directory, for every gunicorn of this user.
control_socket_disable = True
graceful_timeout = 5
_held: list[int] = []


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn passes both
    """Give the new worker a clock that is off, if no other worker has it."""
    file = os.open(os.environ["CHAOS_SKEW_LOCK"], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return
    _held.append(file)
    right, skew = system.now, timedelta(seconds=float(os.environ["CHAOS_SKEW"]))

    def now() -> datetime:
        return right() + skew

    system.now = now
    worker.log.info("worker %s has a clock that is %s s off", worker.pid, skew.total_seconds())
