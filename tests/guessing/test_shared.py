"""The counters among processes, and while the cache is down."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from proofs.redis_server import RedisServer
from tests.conftest import PASSWORD, Api
from tests.processes import ROOT, environment
from tests.redis_server import own_redis

HOME, CAFE = "192.0.2.1", "198.51.100.7"


def redis_cache(port: int) -> dict[str, Any]:
    """Return the setting of a cache at a port of this machine."""
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{port}/0",
        }
    }


def file_cache(folder: Path) -> dict[str, Any]:
    """Return the setting of a cache in files."""
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    return {"default": {"BACKEND": backend, "LOCATION": str(folder)}}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that nobody else has."""
    server = own_redis(tmp_path)
    yield server
    server.stop()


class Worker:
    """A process that guesses; see tests/guessing/guesser.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, verb: str, ip: str = HOME) -> int:
        """Guess once; return the seconds to wait, 0 if it was looked at."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{verb} {ip}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def workers(caches: dict[str, Any]) -> Iterator[tuple[Worker, Worker]]:
    """Run two processes that count in these caches."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings = {"CACHES": caches, "DATABASES": {"default": database}}
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.guessing.guesser"],
                    cwd=ROOT,
                    env=environment(settings),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            for _ in range(2)
        ]
        yield Worker(processes[0]), Worker(processes[1])
        for process in processes:
            assert process.stdin
            process.stdin.close()


class TestTwoProcesses:
    @pytest.mark.req("REQ-09")
    @pytest.mark.parametrize("kind", ["files", "redis"])
    def test_count_together(
        self, kind: str, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        """Five failures at two workers delay at both; B is let in, and its success is seen."""
        if kind == "files":
            caches = file_cache(tmp_path)
        else:
            caches = redis_cache(request.getfixturevalue("redis").port)
        with workers(caches) as (one, two):
            assert [one.do("fail"), two.do("fail"), one.do("fail")] == [0, 0, 0]
            assert [two.do("fail"), one.do("fail")] == [0, 0]
            assert [one.do("succeed"), two.do("succeed")] == [1, 1]
            assert two.do("succeed", CAFE) == 0
            assert [one.do("fail", CAFE) for _ in range(4)] == [0] * 4
            assert one.do("succeed", CAFE) == 0
            assert [two.do("fail", CAFE) for _ in range(5)] == [0] * 5
            assert [one.do("succeed", CAFE), two.do("succeed", CAFE)] == [1, 1]

    @pytest.mark.req("REQ-138")
    def test_count_each_by_itself_while_redis_is_dead(self, redis: RedisServer) -> None:
        """Each has five free failures of its own, and nobody is refused for the outage."""
        with workers(redis_cache(redis.port)) as (one, two):
            assert [one.do("fail") for _ in range(4)] == [0] * 4
            redis.kill()
            assert [one.do("fail") for _ in range(6)] == [0] * 5 + [1]
            assert [two.do("fail") for _ in range(6)] == [0] * 5 + [1]


class TestOutage:
    @pytest.fixture
    def nothing(self, settings: Any) -> Iterator[None]:
        """A cache at a port where nothing listens."""
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            settings.CACHES = redis_cache(closed.getsockname()[1])
            yield

    @pytest.mark.req("REQ-09", "REQ-138")
    def test_is_no_reason_to_refuse_a_login(
        self, user: User, api: Api, nothing: None, clock: Any
    ) -> None:
        """Users log in as before."""
        assert api.login().status_code == 200

    @pytest.mark.req("REQ-09", "REQ-138")
    def test_makes_no_guess_free(self, user: User, api: Api, nothing: None, clock: Any) -> None:
        """This process counts by itself, and never looks at a password unseen."""
        answers = [api.login(password="wrong") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert api.login(password=PASSWORD).status_code == 429

    @pytest.mark.req("REQ-138")
    def test_in_the_middle_of_an_attack(
        self, user: User, new_api: Any, settings: Any, redis: RedisServer, clock: Any
    ) -> None:
        """Redis dies and comes back: the owner logs in before, meanwhile and after."""
        settings.CACHES = redis_cache(redis.port)
        owner, guesser = new_api(REMOTE_ADDR=HOME), new_api(REMOTE_ADDR=CAFE)
        for happens in (lambda: None, redis.kill, redis.start):
            happens()
            answers = [guesser.login(password="wrong") for _ in range(7)]
            assert [answer.status_code for answer in answers][-1] == 429
            assert owner.login().status_code == 200
