"""The project that is measured: that of the tests, in databases of its own.

``SCALE_DATABASE_URL`` is a PostgreSQL server and the prefix of the databases' names; by default
``postgres://postgres@127.0.0.1:5432/tokenauth_scale``.
"""

from datetime import timedelta
from typing import Any

import environ

from tests.settings import *  # noqa: F403 - the same project

LOTS = (
    *("small", "large", "growth", "pruning", "revoking", "crowd"),
    *("console_small", "console_large"),
)
"""The databases, by what they are for."""

_server = environ.Env().db(
    "SCALE_DATABASE_URL", default="postgres://postgres@127.0.0.1:5432/tokenauth_scale"
)


def _database(lot: str) -> dict[str, Any]:
    return {**_server, "NAME": f"{_server['NAME']}_{lot}", "CONN_MAX_AGE": None}


DATABASES = {"default": {**_server, "NAME": "postgres"}} | {lot: _database(lot) for lot in LOTS}
DATABASE_ROUTERS = ["benchmarks.scale.databases.Chosen"]
TOKENAUTH_CLIENTS = {"app": {"transport": "body"}, "limited": {"transport": "body", "limit": 3}}
TOKENAUTH_GRACE_PERIOD = timedelta(0)  # every refresh rotates
# Counted as anywhere, and not reached.
TOKENAUTH_THROTTLE_RATES = dict.fromkeys(("refresh", "session", "refused"), "1000000/min")
