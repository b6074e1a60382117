import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.management import call_command

from proofs.postgresql import free_port
from proofs.redis_server import RedisServer
from tests.conftest import Api, Clock
from tests.redis_server import own_redis
from tokenauth import counters as module
from tokenauth.counters import Counters
from tokenauth.models import AuthSession

pytestmark = pytest.mark.any_database

BACKEND = "django.core.cache.backends."
COUNT = """
import django
django.setup()
from tokenauth.counters import counters
for _ in range(300):
    counters.increase("many", 60)
"""


@pytest.fixture
def counters() -> Counters:
    """Counters that have not seen an outage."""
    return Counters()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    found = own_redis(tmp_path)
    yield found
    caches.close_all()
    found.stop()


@pytest.fixture
def use(settings: Any) -> Callable[..., None]:
    """Choose the cache that counts."""

    def choose(backend: str, location: object = "", **more: Any) -> None:
        settings.CACHES = {
            "default": {"BACKEND": BACKEND + backend, "LOCATION": str(location), **more}
        }

    return choose


@pytest.fixture(params=["locmem", "redis", "file", "database"])
def shared(
    request: pytest.FixtureRequest, use: Callable[..., None], tmp_path: Path, db: None
) -> None:
    """Each of Django's caches that keeps what it is given, Memcached aside."""
    match request.param:
        case "locmem":
            use("locmem.LocMemCache", "counters")
        case "redis":
            use("redis.RedisCache", request.getfixturevalue("server").url)
        case "file":
            use("filebased.FileBasedCache", tmp_path)
        case "database":
            use("db.DatabaseCache", "counted")
            call_command("createcachetable", verbosity=0)
    cache.clear()


@pytest.fixture
def redis_cache(use: Callable[..., None], server: RedisServer) -> RedisServer:
    """Redis as the project's cache, and the process behind it."""
    use("redis.RedisCache", server.url)
    return server


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged about the cache."""
    return [
        line.getMessage() for line in caplog.records if "the cache is down" in line.getMessage()
    ]


@pytest.mark.usefixtures("shared")
class TestCache:
    """What every cache does that keeps anything; nothing of it is counted elsewhere."""

    @pytest.fixture(autouse=True)
    def up(self, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        """Fail a test whose cache was not asked."""
        yield
        assert lines(caplog) == []

    def test_increases_by_one(self, counters: Counters) -> None:
        """From nothing, and each key for itself."""
        assert [counters.increase("a", 60) for _ in range(4)] == [1, 2, 3, 4]
        assert counters.increase("b", 60) == 1

    def test_is_shared(self, counters: Counters) -> None:
        """The number is in the cache, where other processes find it."""
        counters.increase("a", 60)
        assert Counters().increase("a", 60) == 2
        assert cache.get("a") == 2

    def test_adds_once(self, counters: Counters) -> None:
        """Whoever adds a key that is there is told so, and changes nothing."""
        assert [counters.add("a", value, 60) for value in (1, 2)] == [True, False]
        assert counters.get_many(["a"]) == {"a": 1}

    def test_sets_gets_and_deletes_many(self, counters: Counters) -> None:
        """Keys that are not there are left out."""
        counters.set_many({"a": 1, "b": [2.5, 3]}, 60)
        assert counters.get_many(["a", "b", "c"]) == {"a": 1, "b": [2.5, 3]}
        counters.delete_many(["a", "c"])
        assert counters.get_many(["a", "b", "c"]) == {"b": [2.5, 3]}

    def test_forgets_what_lives_no_longer(self, counters: Counters) -> None:
        """What expires at once is counted as the first, and never for ever."""
        assert [counters.increase("a", 0) for _ in range(3)] == [1, 1, 1]
        counters.set_many({"b": 1}, 0)
        assert counters.get_many(["a", "b"]) == {}


def test_dummy_cache_counts_nothing(counters: Counters, use: Callable[..., None]) -> None:
    """A project that keeps nothing has no limits, and no errors."""
    use("dummy.DummyCache")
    assert [counters.increase("a", 60) for _ in range(3)] == [1, 1, 1]
    assert [counters.add("a", 1, 60) for _ in range(2)] == [True, True]
    counters.set_many({"a": 1}, 60)
    counters.delete_many(["a"])
    assert counters.get_many(["a"]) == {}


class TestRedis:
    def test_forgets_when_it_is_told(self, counters: Counters, redis_cache: RedisServer) -> None:
        """The first increase says for how long, and the others do not make it longer."""
        for _ in range(2):
            counters.increase("a", 60)
        counters.set_many({"b": 1}, 30)
        counters.add("c", 1, 20)
        known = {key.decode().rpartition(":")[2]: key for key in redis_cache.client.scan_iter()}
        left = {name: redis_cache.client.ttl(key) for name, key in known.items()}
        assert left.keys() == {"a", "b", "c"}
        assert 30 < left["a"] <= 60
        assert 20 < left["b"] <= 30
        assert 0 < left["c"] <= 20

    def test_counts_all_of_many_threads(self, counters: Counters, redis_cache: RedisServer) -> None:
        """Each number is given once."""
        with ThreadPoolExecutor(8) as threads:
            numbers = list(threads.map(lambda _: counters.increase("many", 60), range(400)))
        assert sorted(numbers) == list(range(1, 401))

    def test_counts_all_of_many_processes(
        self, counters: Counters, redis_cache: RedisServer
    ) -> None:
        """None of the increases of three processes is lost, the first ones included."""
        own = {"CACHE_URL": redis_cache.url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        root = str(Path(__file__).resolve().parent.parent)
        environment = {**os.environ, **own, "PYTHONPATH": root, "DATABASE_URL": "sqlite://:memory:"}
        running = [
            subprocess.Popen([sys.executable, "-c", COUNT], env=environment, cwd=root)
            for _ in range(3)
        ]
        assert [process.wait(60) for process in running] == [0, 0, 0]
        assert counters.increase("many", 60) == 901


@pytest.mark.req("REQ-138")
class TestOutage:
    def test_of_redis_is_counted_through(
        self, counters: Counters, redis_cache: RedisServer, clock: Clock
    ) -> None:
        """A Redis that is killed: this process counts alone, every operation goes on."""
        counters.increase("a", 60)
        redis_cache.kill()
        assert [counters.increase("a", 60) for _ in range(3)] == [1, 2, 3]
        assert [counters.add("b", 1, 60) for _ in range(2)] == [True, False]
        counters.set_many({"c": 1}, 60)
        assert counters.get_many(["a", "b", "c"]) == {"a": 3, "b": 1, "c": 1}
        counters.delete_many(["c"])
        assert counters.get_many(["c"]) == {}

    def test_where_nothing_listens(
        self, counters: Counters, use: Callable[..., None], clock: Clock
    ) -> None:
        """A server that starts while the cache is down serves."""
        use("redis.RedisCache", f"redis://127.0.0.1:{free_port()}/0")
        assert [counters.increase("a", 60) for _ in range(3)] == [1, 2, 3]

    @pytest.mark.parametrize("alias", ["counts", ""])
    def test_of_a_cache_that_does_not_exist(
        self, counters: Counters, settings: Any, alias: str
    ) -> None:
        """A cache that was taken out of the settings is one that is down."""
        settings.TOKENAUTH_THROTTLE_CACHE = alias
        assert [counters.increase("a", 60) for _ in range(3)] == [1, 2, 3]

    @pytest.mark.django_db(transaction=True)
    def test_of_a_table_that_does_not_exist(
        self, counters: Counters, use: Callable[..., None]
    ) -> None:
        """Nor does one without its table take the request with it."""
        use("db.DatabaseCache", "never_made")
        assert [counters.increase("a", 60) for _ in range(3)] == [1, 2, 3]
        assert AuthSession.objects.count() == 0

    def test_ends_when_the_cache_is_back(
        self, counters: Counters, redis_cache: RedisServer, clock: Clock
    ) -> None:
        """After five seconds the cache is asked again, and is what counts."""
        redis_cache.kill()
        counters.increase("a", 60)
        redis_cache.start()
        assert counters.increase("a", 60) == 2
        assert cache.get("a") is None
        clock.advance(seconds=5)
        assert counters.increase("a", 60) == 1
        assert cache.get("a") == 1

    def test_is_met_by_one_request(
        self, counters: Counters, monkeypatch: pytest.MonkeyPatch, clock: Clock
    ) -> None:
        """A cache that hangs holds up whoever asks it, so in five seconds one does."""
        asked: list[str] = []

        class Hanging:
            def __getitem__(self, alias: str) -> Any:
                asked.append(alias)
                if len(asked) < 5:
                    # Others come while this one waits for an answer.
                    counters.increase("a", 60)
                raise TimeoutError

        counters._asked_again = clock.monotonic() - 1
        monkeypatch.setattr(module, "caches", Hanging())
        for _ in range(10):
            counters.increase("a", 60)
        assert len(asked) == 1
        clock.advance(seconds=5)
        counters.increase("a", 60)
        assert len(asked) == 2

    def test_is_logged_once_a_minute(
        self,
        counters: Counters,
        redis_cache: RedisServer,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """As an error that names what went wrong, and nothing that was counted."""
        redis_cache.kill()
        for _ in range(12):
            counters.increase("ada", 60)
            clock.advance(seconds=5.9)
        assert len(lines(caplog)) == 2
        for record in caplog.records:
            assert (record.name, record.levelno) == ("tokenauth.throttling", logging.ERROR)
            assert record.exc_info is None
            assert "ada" not in record.getMessage()
        assert lines(caplog)[0].endswith("ConnectionError")


@pytest.mark.req("REQ-138")
class TestEndpoints:
    """The cache is killed under a server that has served; users notice nothing."""

    @pytest.fixture
    def down(self, app: Api, browser: Api, redis_cache: RedisServer) -> None:
        """Redis, killed after a request has been counted in it."""
        assert app.get("/auth/me/").status_code == 200
        assert redis_cache.client.dbsize() == 1
        redis_cache.kill()

    def test_go_on(self, app: Api, browser: Api, down: None, clock: Clock) -> None:
        """Refresh rotates, the caller is answered, a session is ended, and logout logs out."""
        clock.advance(minutes=1)
        assert "refresh" in app.refresh().json()
        assert browser.refresh().status_code == 200
        assert app.get("/auth/me/").status_code == 200
        (other,) = [s for s in app.get("/auth/sessions/").json()["sessions"] if not s["current"]]
        assert app.delete(f"/auth/sessions/{other['sid']}/").status_code == 204
        assert app.logout().status_code == 204
        assert not AuthSession.objects.filter(revoked_at=None).exists()

    def test_authenticate_as_ever(self, app: Api, down: None, clock: Clock) -> None:
        """No token is taken that would not be taken otherwise."""
        forged = {"Authorization": f"Bearer {app.access}x"}
        assert Api().get("/auth/me/").json()["code"] == "not_authenticated"
        assert Api().get("/auth/me/", headers=forged).json()["code"] == "access_invalid"
        assert Api().refresh("x" * 64).json()["code"] == "refresh_invalid"
        app.logout()
        assert app.get("/auth/me/").json()["code"] == "access_invalid"
        assert app.refresh().json()["code"] == "session_ended"

    def test_keep_their_limits(self, app: Api, down: None, settings: Any) -> None:
        """Each process counts by itself meanwhile."""
        settings.TOKENAUTH_THROTTLE_RATES = {"session": "2/min"}
        answers = [app.get("/auth/me/").status_code for _ in range(3)]
        assert answers == [200, 200, 429]
