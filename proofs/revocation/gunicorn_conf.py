"""Gunicorn's configuration.

``REVOCATION_READ_BEFORE_FORK``
    A living access token: the master process serves a request with it before it forks, so that
    every worker inherits a list that was read a moment ago.
"""

import os
from typing import Any

timeout = 60
graceful_timeout = 3
backlog = 512
# Several gunicorns may run on one machine.
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Serve one request in the master, before there are workers."""
    token = os.environ.get("REVOCATION_READ_BEFORE_FORK")
    if token is None:
        return
    from django.db import connections  # noqa: PLC0415 - only where the application was loaded
    from django.test import Client  # noqa: PLC0415 - as above

    from proofs.revocation.readings import readings  # noqa: PLC0415 - as above

    client = Client(headers={"Host": "127.0.0.1", "Authorization": f"Bearer {token}"})
    answer = client.get("/probe/")
    # Sockets must not be shared by processes; that is every project's care, not the list's.
    connections.close_all()
    if answer.status_code != 200 or not readings.milliseconds:
        raise RuntimeError(f"the list was not read before the fork: {answer.status_code}")
    server.log.info("the list was read before the fork")
