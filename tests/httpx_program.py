"""A program that uses the recipe, in a process of its own.

``python -m tests.httpx_program URL FILE MOMENT``: asks the project's view once, with the session
that the file holds, and prints the answer. At ``MOMENT`` the process ends, as by a power failure:
``received`` (a new token, not yet stored), ``written`` (not yet under the name that is read) or
``stored`` (not yet used); ``never`` lets it live.
"""

import os
import sys
from pathlib import Path
from typing import Any

import httpx

from docs.recipes.httpx_client import SessionAuth
from docs.recipes.token_file import TokenFile

KILLED = 9


class Doomed(TokenFile):
    """A store whose process ends at a moment of a save."""

    moment = "never"

    def save(self, token: str) -> None:
        """Save, up to that moment."""
        if self.moment == "received":
            os._exit(KILLED)
        super().save(token)
        if self.moment == "stored":
            os._exit(KILLED)


def die(*_: Any) -> None:
    """End the process without a word."""
    os._exit(KILLED)


def main(url: str, path: str, moment: str) -> None:
    """Ask the view."""
    store = Doomed(path)
    store.moment = moment
    if moment == "written":
        Path.replace = die  # type: ignore[method-assign,assignment]  # the last step of a save
    with httpx.Client(auth=SessionAuth(f"{url}/auth/", store), timeout=20) as http:
        print(http.get(f"{url}/api/whoami").text)  # noqa: T201 - what it is asked for


if __name__ == "__main__":
    main(*sys.argv[1:])
