"""The recipe for WebSockets, run as it is printed."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection

from docs.recipes.channels import UNAUTHENTICATED, SessionConsumer
from tokenauth.models import AuthSession
from tokenauth.sessions import revoke_user_sessions, start_session

pytestmark = pytest.mark.any_database

ACCESS = "__Host-Http-tokenauth-access"
ORIGIN = (b"origin", b"http://testserver")


class Browser(ApplicationCommunicator):
    """The browser's side of a connection, in the messages of the ASGI specification.

    Channels has one too, but it cannot be imported without another server's package.
    """

    async def connect(self) -> tuple[bool, int | None]:
        """Shake hands; return whether it was accepted, and the code if not."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=10)
        return answer["type"] == "websocket.accept", answer.get("code")

    async def say(self, content: Any) -> Any:
        """Send JSON, and return the answer."""
        await self.send_input({"type": "websocket.receive", "text": json.dumps(content)})
        return json.loads((await self.receive_output(timeout=10))["text"])

    async def disconnect(self) -> None:
        """Close the tab."""
        await self.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.wait()


class Echo(SessionConsumer):
    """A consumer of a project."""

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Say who is there."""
        await self.send_json({"user": self.access.user.get_username(), "said": content})


@pytest.fixture(autouse=True)
def _project(transactional_db: None, settings: Any) -> None:
    # Channels closes connections around each call, which would end a test's transaction.
    settings.TOKENAUTH_ACCESS_COOKIE = True


@pytest.fixture
def cookie(clock: Any, user: Any) -> bytes:
    """Ada's access cookie."""
    return f"{ACCESS}={start_session(user).access}".encode()


def socket(
    cookie: bytes | None, *headers: tuple[bytes, bytes], scheme: str = "ws", **options: Any
) -> Browser:
    """Return a browser's side of a connection that is not open yet."""
    sent = [(b"host", b"testserver"), *headers, *([(b"cookie", cookie)] if cookie else [])]
    scope = {"type": "websocket", "path": "/chat/", "query_string": b"", "headers": sent}
    return Browser(Echo.as_asgi(**options), {**scope, "scheme": scheme, "subprotocols": []})


def opens(cookie: bytes | None, *headers: tuple[bytes, bytes], **extra: Any) -> bool:
    """Return whether a handshake is accepted; a refusal has the recipe's code."""

    async def talk() -> bool:
        communicator = socket(cookie, *headers, **extra)
        accepted, code = await communicator.connect()
        await communicator.disconnect()
        assert accepted or code == UNAUTHENTICATED
        return accepted

    return async_to_sync(talk)()


def close_code(cookie: bytes, during: Callable[[], Any]) -> int:
    """Open a connection that checks all the time, do something; return the code it closes by."""

    async def talk() -> int:
        communicator = socket(cookie, ORIGIN, interval=0)
        assert (await communicator.connect())[0]
        assert await communicator.say("hello") == {"user": "ada", "said": "hello"}
        await sync_to_async(during)()
        closed = await communicator.receive_output(timeout=10)
        await communicator.wait()
        assert closed["type"] == "websocket.close"
        return int(closed["code"])

    return async_to_sync(talk)()


class TestHandshake:
    def test_a_page_of_the_site_connects(self, cookie):
        """By the cookie and the Origin, or by Sec-Fetch-Site."""
        assert opens(cookie, ORIGIN)
        assert opens(cookie, (b"sec-fetch-site", b"same-origin"))

    def test_over_tls_the_origin_is_https(self, cookie):
        """The handshake's scheme is wss; its page's is https."""
        assert opens(cookie, (b"origin", b"https://testserver"), scheme="wss")
        assert not opens(cookie, ORIGIN, scheme="wss")

    @pytest.mark.req("REQ-80", "REQ-81")
    @pytest.mark.parametrize(
        "headers",
        [
            [(b"origin", b"http://evil.example")],
            [(b"origin", b"null")],
            [(b"origin", b"https://testserver")],
            [(b"sec-fetch-site", b"cross-site")],
            [(b"sec-fetch-site", b"same-site"), (b"origin", b"http://sub.testserver")],
            [],
        ],
        ids=str,
    )
    def test_a_page_of_another_site_does_not(self, cookie, headers):
        """A handshake is a GET, and yet needs the proof."""
        assert not opens(cookie, *headers)

    def test_a_trusted_origin_connects(self, cookie, settings):
        """As for POST."""
        settings.CSRF_TRUSTED_ORIGINS = ["https://spa.example.com"]
        assert opens(cookie, (b"origin", b"https://spa.example.com"))

    @pytest.mark.parametrize("value", [None, b"a=b", f"{ACCESS}=garbage".encode(), b"\xff\xfe"])
    def test_without_a_good_cookie_nobody_does(self, value):
        """None, another, an unreadable one."""
        assert not opens(value, ORIGIN)

    def test_an_expired_token_does_not(self, cookie, clock):
        """The page refreshes first."""
        clock.advance(minutes=5)
        assert not opens(cookie, ORIGIN)

    def test_an_ended_session_does_not(self, cookie, user):
        """At once."""
        revoke_user_sessions(user, reason="admin")
        assert not opens(cookie, ORIGIN)


class TestOpenConnection:
    def test_a_revocation_closes_it(self, cookie, user):
        """At the next check."""
        revoke = lambda: revoke_user_sessions(user, reason="admin")  # noqa: E731 - one line
        assert close_code(cookie, revoke) == UNAUTHENTICATED

    def test_a_change_of_password_closes_it(self, cookie, user):
        """However it was made."""
        users = get_user_model().objects.filter(pk=user.pk)
        assert close_code(cookie, lambda: users.update(password="x")) == UNAUTHENTICATED

    def test_the_session_s_end_closes_it(self, cookie, clock):
        """14 days without a refresh."""
        assert close_code(cookie, lambda: clock.advance(days=14)) == UNAUTHENTICATED

    def test_a_database_that_fails_closes_it(self, cookie):
        """What cannot be checked is not trusted."""

        def refuse(*args: Any) -> None:
            raise OperationalError

        assert (
            close_code(cookie, lambda: connection.execute_wrappers.append(refuse))
            == UNAUTHENTICATED
        )
        connection.execute_wrappers.remove(refuse)

    def test_the_access_token_s_end_does_not(self, cookie, clock):
        """The session lives, so the connection does: many checks later it still answers."""

        async def talk() -> None:
            communicator = socket(cookie, ORIGIN, interval=0)
            await communicator.connect()
            clock.advance(minutes=10)
            for _ in range(20):
                assert (await communicator.say(1))["user"] == "ada"
            await communicator.disconnect()

        async_to_sync(talk)()
        assert AuthSession.objects.get().revoked_at is None

    def test_the_checks_end_with_the_connection(self, cookie):
        """No task is left behind."""

        async def talk() -> int:
            communicator = socket(cookie, ORIGIN)
            await communicator.connect()
            await communicator.disconnect()
            await asyncio.sleep(0)
            return sum("watch" in repr(task) for task in asyncio.all_tasks())

        assert async_to_sync(talk)() == 0

    def test_it_checks_every_minute(self):
        """Unless told otherwise."""
        assert SessionConsumer().interval == 60
