"""A WebSocket that lives no longer than its session. See channels.md."""  # noqa: INP001 - docs

import asyncio
import contextlib
from io import BytesIO
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.core.handlers.asgi import ASGIRequest
from django.db import Error

from tokenauth import cookies, csrf, verify_access_token
from tokenauth.exceptions import AccessInvalid
from tokenauth.sessions import find_own_session

UNAUTHENTICATED = 4401  # the client refreshes, or logs in, and connects again


class SessionConsumer(AsyncJsonWebsocketConsumer):
    """Authenticate the handshake by the access cookie, and check the session every ``interval`` s.

    Override ``receive_json()``; ``self.access`` holds user and session.
    """

    def __init__(self, *, interval: float = 60) -> None:
        super().__init__()
        self.interval = interval
        self.watcher: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept a handshake of this site's own pages, with a good access cookie."""
        scheme = {"ws": "http", "wss": "https"}[self.scope.get("scheme", "ws")]
        request = ASGIRequest({**self.scope, "method": "GET", "scheme": scheme}, BytesIO())
        # Browsers send cookies with handshakes of any site, and ask nobody first.
        raw = cookies.read_access_cookie(request) if csrf.is_proved(request) else None
        try:
            self.access = await database_sync_to_async(verify_access_token)(raw or "")
        except AccessInvalid:
            await self.close(UNAUTHENTICATED)
            return
        await self.accept()
        self.watcher = asyncio.create_task(self.watch())

    async def watch(self) -> None:
        """Close when the session has ended, or when that cannot be told."""
        find = database_sync_to_async(find_own_session)
        with contextlib.suppress(Error):
            while await find(self.access.user, self.access.session.pk):  # noqa: ASYNC110 - no event
                await asyncio.sleep(self.interval)
        await self.close(UNAUTHENTICATED)

    async def disconnect(self, code: Any) -> None:
        """Stop the checks."""
        if self.watcher is not None:
            self.watcher.cancel()
