"""An httpx client that stays logged in. See httpx_client.md."""  # noqa: INP001 - docs

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep  # noqa: TID251 - a program of its own, with its own clock
from typing import Any

import httpx

TIMEOUT = 10.0  # seconds for each step of a request to the endpoints; the protocol rests on it
PATIENCE = 20.0  # seconds, after which a renewal begins no other attempt
FIRST_PAUSE = 0.2  # seconds between the first two attempts; then twice as long each time
COOLDOWN = 60.0  # seconds for which a refusal is repeated without asking the server again
MARGIN = 60.0  # seconds before its end that an access token is renewed; at most a fifth of its life
GONE = {"refresh_missing", "refresh_invalid", "refresh_superseded", "session_ended"}
UNKNOWN = {httpx.codes.OK, httpx.codes.TOO_MANY_REQUESTS}  # 200 without tokens: of somebody else
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Problem(Exception):
    """The server did not do what was asked.

    Attributes:
        code: the server's word for it, or ``network``, ``unusable`` or ``not_logged_in``.
        status: of the answer; 0 without one.
        answer: its body, such as the ``challenge`` of ``mfa_required``.
        reason: why a session has ended, or ``None``.
        retry_after: seconds, or ``None`` if the server has not said.
    """

    def __init__(
        self, code: str, status: int = 0, answer: Any = None, retry_after: float | None = None
    ) -> None:
        self.code, self.status, self.retry_after = code, status, retry_after
        self.answer: dict[str, Any] = answer or {}
        self.reason: str | None = self.answer.get("reason")
        super().__init__(f"{code} ({self.reason})" if self.reason else code)


class LoginRequired(Problem):
    """The session is over, or there is none: call ``login()``."""


class Unavailable(Problem):
    """There is no answer now. The session goes on: do the same again later."""


@dataclass(frozen=True, slots=True, repr=False)
class _Access:
    token: str
    due: float  # by the monotonic clock
    end: float

    @classmethod
    def of(cls, answer: dict[str, Any], asked: float) -> "_Access":
        # From before the request was sent, so that it never seems to live longer than it does.
        life = float(answer["expires_in"])
        return cls(answer["access"], asked + life - min(MARGIN, life / 5), asked + life)


class SessionAuth(httpx.Auth):
    """Sends the access token, and renews it by need; for any number of threads and tasks.

    Args:
        base_url: where the endpoints are mounted, such as ``https://api.example.com/auth/``.
        store: a ``TokenFile``, or what has the same ``load``, ``save``, ``clear`` and ``lock``.
        origins: origins that get the access token, beside that of ``base_url``.
        connect: makes a client for the endpoints, such as ``partial(httpx.Client, proxy=...)``.

    Raises:
        ValueError: an origin without TLS.
    """

    def __init__(
        self,
        base_url: str,
        store: Any,
        *,
        origins: Sequence[str] = (),
        connect: Callable[[], httpx.Client] = httpx.Client,
    ) -> None:
        self._base = base_url.rstrip("/") + "/"
        self._origins = {_safe_origin(url) for url in (self._base, *origins)}
        self._store, self._connect = store, connect
        self._access: _Access | None = None
        self._flight: Future[str] | None = None
        self._refusal = ("", 0.0, LoginRequired("not_logged_in"))  # of which token, and until when
        self._state = threading.Lock()  # held for an instant
        self._turn = threading.Lock()  # held while the server is asked

    def login(self, username: str, password: str, *, client: str = "app", **more: Any) -> Any:
        """Log in, and return the session object. A session that the store holds is ended.

        Args:
            username: the value of the user model's ``USERNAME_FIELD``.
            password: exactly as it is.
            client: one of ``TOKENAUTH_CLIENTS`` that has the body transport.
            more: ``device_name``, ``remember``.

        Raises:
            Problem: such as ``login_failed``, ``mfa_required``.
            Unavailable: no answer; nothing is repeated, as each login is a session of its own.
        """
        body = {"username": username, "password": password, "client": client, **more}
        with self._turn, self._store.lock():
            answer, asked = self._ask("login/", body)
            before = self._store.load()
            self._store.save(answer["refresh"])
            self._hold(_Access.of(answer, asked))
            if before is not None:
                with contextlib.suppress(Problem):
                    self._ask("logout/", {"refresh": before})
        return answer["session"]

    def logout(self) -> None:
        """End the session at the server, then forget it. Nothing has changed if this raises."""
        with self._turn, self._store.lock():
            refresh = self._store.load()
            if refresh is not None:
                self._insist("logout/", {"refresh": refresh})
                self._store.clear()
            self._hold(None)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with the token, and once more if the token is not accepted.

        Raises:
            LoginRequired: the session is over.
            Unavailable: the token has expired, and cannot be renewed now.
        """
        if _origin(request.url) not in self._origins:
            yield request
            return
        token = self._find().result()
        response = yield _bearing(request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response.read()
            if self._is_worth_repeating(request, response, token):
                yield _bearing(request, self._find().result())

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See sync_auth_flow(). For asyncio; a task that is cancelled cancels no renewal."""
        if _origin(request.url) not in self._origins:
            yield request
            return
        token = await _shielded(self._find())
        response = yield _bearing(request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            await response.aread()
            if self._is_worth_repeating(request, response, token):
                yield _bearing(request, await _shielded(self._find()))

    def _is_worth_repeating(
        self, request: httpx.Request, response: httpx.Response, token: str
    ) -> bool:
        is_ours = _origin(response.request.url) in self._origins  # a redirect may have led away
        if not is_ours or _body(response).get("code") != "access_invalid":
            return False
        with self._state:
            if self._access is not None and self._access.token == token:
                self._access = None
        # A generator or a file has been read, and there is no second time.
        return isinstance(request.stream, httpx.ByteStream)

    def _find(self) -> Future[str]:
        """Return the token, or the one renewal that is under way."""
        with self._state:
            access, now = self._access, monotonic()
            if access is not None and now < access.due:
                return _done(access.token)
            if self._flight is None:
                flight: Future[str] = Future()
                # A thread of its own, so that nobody who gives up takes it away from the others.
                threading.Thread(target=self._fly, args=(flight,)).start()
                self._flight = flight
            return self._flight if access is None or now >= access.end else _done(access.token)

    def _fly(self, flight: Future[str]) -> None:
        try:
            land = partial(flight.set_result, self._renew())
        except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
            land = partial(flight.set_exception, error)
        with self._state:
            self._flight = None
        land()

    def _renew(self) -> str:
        with self._turn, self._store.lock():
            access = self._access
            if access is not None and monotonic() < access.due:
                return access.token  # a login was faster
            refresh = self._store.load()
            if refresh is None:
                raise LoginRequired("not_logged_in")
            token, end, refusal = self._refusal
            if token == refresh and monotonic() < end:
                raise LoginRequired(refusal.code, refusal.status, refusal.answer)
            try:
                return self._exchange(refresh)
            except LoginRequired as problem:
                newer = self._store.load()
                if problem.code == "refresh_superseded" and newer not in {None, refresh}:
                    return self._exchange(str(newer))
                self._refusal = (refresh, monotonic() + COOLDOWN, problem)
                raise

    def _exchange(self, refresh: str) -> str:
        answer, asked = self._insist("refresh/", {"refresh": refresh})
        # On disk before the access token is used: by its use the server knows that the answer
        # arrived, and takes the refresh token before it for stolen from then on. Not over what
        # another process has stored, or removed, if one of the two went on without the lock.
        if "refresh" in answer and self._store.load() == refresh:
            self._store.save(answer["refresh"])
        self._hold(_Access.of(answer, asked))
        return str(answer["access"])

    def _hold(self, access: _Access | None) -> None:
        with self._state:
            self._access = access

    def _insist(self, path: str, body: dict[str, str]) -> tuple[dict[str, Any], float]:
        """Ask until there is an answer. The same token again gets the same answer."""
        end, pause = monotonic() + PATIENCE, FIRST_PAUSE
        while True:
            try:
                return self._ask(path, body)
            except Unavailable as problem:
                wait = max(pause, problem.retry_after or 0)
                if monotonic() + wait > end:
                    raise
            sleep(wait)
            pause *= 2

    def _ask(self, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], float]:
        asked = monotonic()
        try:
            with self._connect() as http:
                response = http.post(
                    self._base + path, json=body, timeout=TIMEOUT, follow_redirects=False, auth=None
                )
        except httpx.RequestError as error:
            raise Unavailable("network") from error
        answer, status = _body(response), response.status_code
        if status == httpx.codes.NO_CONTENT or (status == httpx.codes.OK and "access" in answer):
            return answer, asked
        code = str(answer.get("code", "unusable"))
        if status == httpx.codes.UNAUTHORIZED and code in GONE:
            raise LoginRequired(code, status, answer)
        if httpx.codes.is_server_error(status) or status in UNKNOWN:
            wait = response.headers.get("Retry-After", "")
            raise Unavailable(code, status, answer, float(wait) if wait.isdecimal() else None)
        raise Problem(code, status, answer)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _safe_origin(text: str) -> tuple[str, str, int | None]:
    url = httpx.URL(text)
    if url.scheme != "https" and url.host not in LOOPBACK:
        raise ValueError(f"{text} is not https: anybody on the way could read the tokens")
    return _origin(url)


def _bearing(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _done(token: str) -> Future[str]:
    found: Future[str] = Future()
    found.set_result(token)
    return found


async def _shielded(flight: Future[str]) -> str:
    return flight.result() if flight.done() else await asyncio.shield(asyncio.wrap_future(flight))
