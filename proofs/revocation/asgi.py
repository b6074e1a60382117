"""The application under ASGI. Each answer names the process that gave it."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

_django = get_asgi_application()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer, with the process id in ``X-Process``."""
    if scope["type"] != "http":
        return

    async def send_named(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-process", b"%d" % os.getpid())]
        await send(message)

    await _django(scope, receive, send_named)
