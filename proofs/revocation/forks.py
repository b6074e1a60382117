"""Forks of a process that has a list: a program of its own, which prints what was seen as JSON.

Three facts: a child reads the list before its first verdict, also when the parent's was read a
moment ago; and a child that was made while another thread of the parent was reading is not left
with a lock that nobody will ever release.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

import django
import psycopg

__all__ = ["main"]


def main() -> None:
    django.setup()
    # Only now: these modules need the settings.
    from django.db import connections  # noqa: PLC0415 - as said

    from proofs.revocation import revokers  # noqa: PLC0415 - as said
    from tokenauth.revocation_list import revocation_list  # noqa: PLC0415 - as said

    living, ended = revokers.login(), revokers.login()
    before = _verdict(ended.access)
    revokers.revoke(ended)()
    # The list of before: the parent may still let it in, for a second.
    is_parents_old = revocation_list.is_due() is False
    connections.close_all()
    fresh = _in_child(lambda: [_verdict(ended.access), _verdict(living.access)])

    address = os.environ["DATABASE_URL"]
    with psycopg.connect(address) as blocker:
        blocker.execute("LOCK TABLE tokenauth_authsession IN ACCESS EXCLUSIVE MODE")
        time.sleep(0.6)
        reading = threading.Thread(target=revocation_list.update)
        reading.start()
        while not revocation_list._lock.locked():
            time.sleep(0.01)
        time.sleep(0.1)
        was_reading = reading.is_alive()
        threading.Timer(0.5, blocker.rollback).start()
        busy = _in_child(lambda: [_verdict(ended.access), _verdict(living.access)])
        reading.join()
    print(
        json.dumps(
            {
                "before": before,
                "parent's list was young": is_parents_old,
                "child of a parent with a young list": fresh,
                "parent was reading": was_reading,
                "child of a parent that was reading": busy,
            }
        )
    )


def _verdict(token: str) -> str:
    from tokenauth import verify_access_token  # noqa: PLC0415 - after django.setup()
    from tokenauth.exceptions import AccessInvalid, TryAgain  # noqa: PLC0415 - as above

    try:
        verify_access_token(token)
    except AccessInvalid:
        return "refused"
    except TryAgain:
        return "try again"
    return "let in"


def _in_child(look: Any) -> list[str]:
    """Return what ``look`` returns in a forked child; nothing if it does not within 20 s."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, json.dumps(look()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found = pipe.read()
    os.waitpid(child, 0)
    return list(json.loads(found or "[]"))


if __name__ == "__main__":
    main()
