"""Who is delayed, and who is not: the counters, in the cache of the tests."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from tests.conftest import Clock
from tokenauth.audit import Origin
from tokenauth.counters import Counters
from tokenauth.exceptions import TooManyGuesses
from tokenauth.guessing import Attempt, admit
from tokenauth.models import AuthEvent, EventType

HOME, CAFE = "192.0.2.1", "198.51.100.7"

pytestmark = [pytest.mark.usefixtures("clock", "db"), pytest.mark.any_database]


def attempt(username: str = "ada", ip: str | None = HOME, **options: Any) -> Attempt:
    """Ask for one guess."""
    return admit(username, ip=ip, origin=Origin(ip=ip), **options)


def wait(username: str = "ada", ip: str | None = HOME, **options: Any) -> int:
    """Ask for one guess, and leave it; return the seconds that it has to wait, 0 for none."""
    try:
        attempt(username, ip, **options)
    except TooManyGuesses as refused:
        return refused.wait
    return 0


def fail(times: int = 1, username: str = "ada", ip: str | None = HOME, **options: Any) -> None:
    """Guess wrong so often, without any delay in between."""
    for _ in range(times):
        attempt(username, ip, **options).failed()


def succeed(username: str = "ada", ip: str | None = HOME, **options: Any) -> None:
    """Log in."""
    attempt(username, ip, **options).succeeded()


def fail_everywhere(times: int, username: str = "ada") -> None:
    """Guess wrong so often, each time from another address."""
    for number in range(times):
        fail(1, username, f"10.0.{number // 250}.{number % 250}")


def guess_for(clock: Clock, hours: int, guess: Callable[[int], Attempt]) -> list[int]:
    """Guess wrong as fast as it is allowed; return how many guesses were looked at, by hour."""
    seen = [0] * hours
    end, began, number = clock().timestamp() + hours * 3600, clock().timestamp(), 0
    while (now := clock().timestamp()) < end:
        try:
            guess(number).failed()
        except TooManyGuesses as refused:
            clock.advance(seconds=refused.wait)
        else:
            seen[int(now - began) // 3600] += 1
        number += 1
    return seen


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the cache operations that are made."""
    made: list[str] = []

    def note(self: Counters, operation: Callable[[Any], Any]) -> Any:
        made.append(operation.__qualname__.split(".")[1])
        return original(self, operation)

    original = Counters._do
    monkeypatch.setattr(Counters, "_do", note)
    return made


class TestPair:
    @pytest.mark.req("REQ-09")
    def test_has_five_free_failures(self) -> None:
        """The sixth guess at one account from one address waits."""
        fail(4)
        assert wait() == 0
        fail()
        assert wait() == 1

    def test_waits_from_the_last_failure(self, clock: Clock) -> None:
        """A part of a second is a whole one for Retry-After; when it is over, so is the wait."""
        fail(5)
        clock.advance(seconds=1)
        fail()
        assert wait() == 2
        clock.advance(seconds=0.5)
        assert wait() == 2
        clock.advance(seconds=1.5)
        assert wait() == 0

    def test_is_of_one_account(self) -> None:
        """Another account at the same address is free."""
        fail(5)
        assert wait("bob") == 0

    def test_is_of_one_address(self) -> None:
        """The same account from another address is free."""
        fail(5)
        assert wait(ip=CAFE) == 0

    def test_is_of_all_addresses_of_a_household(self) -> None:
        """Whoever has one address of a /64 has them all."""
        for number in range(5):
            fail(ip=f"2001:db8::{number + 1}")
        assert wait(ip="2001:db8::ffff") == 1
        assert wait(ip="2001:db8:0:1::1") == 0

    def test_is_of_all_spellings(self) -> None:
        """A database that ignores case gives nobody more guesses."""
        for spelling in ("ada", "Ada", "aDa", "adA", " ada"):
            fail(1, spelling)
        assert wait("ADA") == 1

    def test_that_a_clock_ahead_has_seen_waits_no_longer_than_its_delay(self, clock: Clock) -> None:
        """The hosts' clocks differ: a failure in the future is one of just now."""
        clock.advance(seconds=30)
        fail(5)
        clock.advance(seconds=-30)
        assert wait() == 1


class TestAccount:
    @pytest.mark.req("REQ-09")
    def test_has_twenty_free_failures_from_everywhere(self) -> None:
        """An attack from many addresses waits as one."""
        fail_everywhere(20)
        assert wait(ip=CAFE) == 1

    def test_of_others_is_free(self) -> None:
        """Another account is guessed at by its own count."""
        fail_everywhere(20)
        assert wait("bob", CAFE) == 0


class TestAddress:
    def test_has_thirty_free_failures_at_all_accounts(self) -> None:
        """One address that tries one password at many accounts waits."""
        for number in range(30):
            fail(1, f"user{number}")
        assert wait("another") == 1
        assert wait("another", CAFE) == 0

    def test_that_is_unknown_is_one_place(self) -> None:
        """Requests whose address cannot be read share what is free."""
        for number in range(30):
            fail(1, f"user{number}", ip=None)
        assert wait("another", ip=None) == 1

    def test_is_not_cleared_by_a_login_of_one_s_own(self) -> None:
        """An attacker logs in to an account of their own between guesses: nothing is won by it."""
        for number in range(30):
            fail(1, f"user{number}")
            succeed("mallory", own="device of mallory")
            if number == 28:
                succeed("mallory")
        assert wait("another") == 1

    def test_forgives_what_the_account_itself_has_failed(self) -> None:
        """People of one office who mistype and then log in do not add up."""
        for number in range(12):
            fail(4, f"user{number}")
            succeed(f"user{number}")
        assert wait("another") == 0

    def test_forgives_nothing_that_it_did_not_count(self) -> None:
        """Failures at a known place are not counted here, so a login takes none of them off."""
        succeed("mallory")
        fail(4, "mallory")
        for number in range(29):
            fail(1, f"user{number}")
        succeed("mallory")
        fail(1, "user")
        assert wait("another") == 1


class TestSuccess:
    @pytest.mark.req("REQ-09")
    def test_begins_anew(self) -> None:
        """After a login five failures are free again."""
        fail(4)
        succeed()
        fail(4)
        assert wait() == 0
        fail()
        assert wait() == 1

    def test_clears_the_account_for_everybody(self) -> None:
        """What others have guessed of this account counts no more."""
        fail_everywhere(19)
        succeed()
        fail_everywhere(1)
        assert wait(ip=CAFE) == 0

    def test_clears_the_account_from_a_known_place_too(self) -> None:
        """The owner can let a new place in by a login on the old device."""
        fail_everywhere(20)
        assert wait(ip=CAFE) == 1
        succeed(own="laptop")
        assert wait(ip=CAFE) == 0

    @pytest.mark.parametrize("spelling", ["ADA", " ada"])
    def test_of_another_spelling_clears_nothing(self, spelling: str) -> None:
        """Where case matters, ``ADA`` is another account, and its owner may be the guesser."""
        for _ in range(4):
            fail()
            succeed(spelling, own="device of mallory")
            succeed(spelling)
        fail()
        assert wait() == 1

    def test_forgives_what_its_own_spelling_has_failed(self) -> None:
        """And no more, however many there were of both."""
        fail(3, "ada")
        fail(1, "ADA")
        succeed("ADA")
        fail(1, "ada")
        assert wait() == 0
        fail(1, "ada")
        assert wait() == 1

    def test_loses_no_failure_beside_it(self) -> None:
        """What was counted between the look and the success stays counted."""
        fail(4)
        slow = attempt()
        fail()
        slow.succeeded()
        fail(4)
        assert wait() == 1

    def test_that_is_only_a_first_step_makes_no_place_known(self) -> None:
        """The password was right: its failures are forgiven, but nobody has logged in."""
        fail(4)
        attempt().passed()
        fail(4)
        assert wait() == 0
        fail_everywhere(16)
        assert wait() == 1


class TestKnownPlace:
    def test_is_let_in_while_the_account_is_attacked(self) -> None:
        """An address from which the account has logged in."""
        succeed()
        fail_everywhere(20)
        assert wait(ip=CAFE) == 1
        assert wait() == 0

    def test_is_let_in_while_its_address_attacks_others(self) -> None:
        """Somebody in the office guesses at all accounts; who has logged in there still can."""
        succeed()
        for number in range(30):
            fail(1, f"user{number}")
        assert wait("another") == 1
        assert wait() == 0

    def test_has_the_pair_s_limit(self) -> None:
        """It is no free place for somebody at the same address."""
        succeed()
        fail(5)
        assert wait() == 1

    def test_is_known_for_one_spelling(self) -> None:
        """Whoever owns ``Ada`` has made no place known for ``ada``."""
        succeed("Ada")
        fail_everywhere(20)
        assert wait() == 1

    def test_is_not_an_unknown_address(self) -> None:
        """An address that cannot be read is everybody's."""
        succeed(ip=None)
        fail_everywhere(20)
        assert wait(ip=None) == 1

    def test_is_noted_again_after_a_day(self, clock: Clock) -> None:
        """It stays known to who logs in now and then, and costs no write at each login."""
        succeed()
        keys = attempt().place
        assert keys is not None
        first = keys.noted
        clock.advance(hours=23)
        succeed()
        assert attempt().place == keys
        clock.advance(hours=1)
        succeed()
        again = attempt().place
        assert again is not None
        assert again.noted == first + 86_400_000


class TestOwn:
    """A device that knows the account, or a session of it."""

    def test_is_let_in_while_account_and_address_are_attacked(self) -> None:
        """From the same address, at the same account: the owner's browser is not delayed."""
        fail(5)
        fail_everywhere(15)
        assert [wait(), wait(ip=CAFE), wait(own="laptop")] == [1, 1, 0]

    def test_has_the_pair_s_limit(self) -> None:
        """Whoever has stolen it has five free guesses."""
        fail(5, own="laptop")
        assert wait(own="laptop") == 1
        assert wait(own="phone") == 0

    def test_adds_nothing_to_the_others(self) -> None:
        """Its owner mistypes without a consequence for the address."""
        fail(5, own="laptop")
        assert wait() == 0

    def test_is_of_one_account(self) -> None:
        """A browser of two users counts each by itself."""
        fail(5, own="laptop")
        assert wait("bob", own="laptop") == 0

    def test_is_cleared_by_a_success(self, clock: Clock) -> None:
        """As a pair is."""
        fail(5, own="laptop")
        clock.advance(seconds=1)
        succeed(own="laptop")
        fail(4, own="laptop")
        assert wait(own="laptop") == 0


class TestKind:
    def test_is_counted_by_itself(self) -> None:
        """Wrong codes of a second step do not delay the password."""
        fail(5, kind="code")
        assert wait(kind="code") == 1
        assert wait() == 0


class TestTurns:
    def test_of_one_delay_are_one(self, clock: Clock) -> None:
        """Of those who have waited, one is looked at; the others wait for its outcome."""
        fail(5)
        clock.advance(seconds=1)
        assert [wait() for _ in range(100)] == [0, *[1] * 99]

    def test_of_threads_are_one(self, clock: Clock) -> None:
        """Also if they come at the same moment."""
        fail(5)
        clock.advance(seconds=1)
        with ThreadPoolExecutor(8) as pool:
            waits = list(pool.map(lambda _: wait(), range(40)))
        assert waits.count(0) == 1

    def test_come_again_after_each_failure(self, clock: Clock) -> None:
        """The next delay has a turn of its own."""
        fail(5)
        for seconds in (1, 2, 4, 8):
            clock.advance(seconds=seconds)
            fail()
            assert wait() == seconds * 2

    def test_are_given_back_if_another_counter_refuses(self, clock: Clock) -> None:
        """Whoever loses one of two turns keeps nobody from the other."""
        fail(5)
        for number in range(15):
            fail(1, ip=f"10.0.0.{number}")
        clock.advance(seconds=1)
        assert wait(ip=CAFE) == 0  # the account's turn
        assert wait() == 1  # takes the pair's, and does not get the account's
        fail_again = [key for key in _keys() if ".turn." in key]
        assert len(fail_again) == 1

    def test_are_free_again_after_a_success(self, clock: Clock) -> None:
        """The owner, who has waited once, is not held up by the turn that was taken then."""
        fail(5)
        clock.advance(seconds=1)
        succeed()
        fail(5)
        clock.advance(seconds=1)
        assert wait() == 0


def _keys() -> list[str]:
    return list(cache._cache)  # type: ignore[attr-defined]  # the local memory's


class TestParallelFailures:
    def test_are_all_counted(self) -> None:
        """Eight at once are eight: with one more, the nine that are free are used up."""
        with override_settings(TOKENAUTH_GUESSING={"pair": 9}):
            attempts = [attempt() for _ in range(8)]
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda each: each.failed(), attempts))
            fail()
            assert wait() == 1


class TestForgottenNumbers:
    @pytest.mark.parametrize("lost", [".n", ".forgiven", ".last"])
    def test_make_nobody_free(self, lost: str) -> None:
        """A cache may drop what it likes: five failures after that are a delay, at the latest."""
        fail(4)
        succeed()
        fail(4)
        cache.delete_many([key.partition(":1:")[2] for key in _keys() if key.endswith(lost)])
        for _ in range(5):
            if wait():
                return
            fail()
        assert wait() >= 1

    def test_live_anew_with_each_failure(self) -> None:
        """Some caches forget while they add how long a number is to live; a slow attack goes on."""
        fail()
        succeed()
        fail()
        numbers = [key for key in _keys() if key.endswith((".n", ".forgiven"))]
        for key in numbers:
            cache.touch(key.removeprefix(":1:"), 5)
        # The place is known by now, so only the pair's are counted on.
        fail()
        lives = [cache._expire_info[key] - time.time() for key in numbers]  # type: ignore[attr-defined]
        assert sum(life > 6 * 86_400 for life in lives) == 4


class TestCost:
    def test_of_a_login_is_two_operations(self, operations: list[str]) -> None:
        """One before the password is checked, one after."""
        succeed()
        assert operations == ["get_many", "set_many"]

    def test_of_a_login_from_a_known_place_is_one(self, operations: list[str]) -> None:
        """There is nothing to note."""
        succeed()
        operations.clear()
        succeed()
        assert operations == ["get_many"]

    def test_of_a_login_after_failures_is_two(self, operations: list[str]) -> None:
        """Forgiving and noting are one."""
        fail(4)
        operations.clear()
        succeed()
        assert operations == ["get_many", "set_many"]

    def test_of_a_login_after_a_delay_is_one_more(
        self, clock: Clock, operations: list[str]
    ) -> None:
        """The turn."""
        fail(5)
        clock.advance(seconds=1)
        operations.clear()
        succeed()
        assert operations == ["get_many", "add", "set_many"]

    def test_of_a_refusal_is_one(self, operations: list[str]) -> None:
        """Whatever else a flood of guesses costs."""
        fail(5)
        operations.clear()
        assert wait() == 1
        assert operations == ["get_many"]


class TestPrivacy:
    def test_no_name_and_no_address_is_in_the_cache(self) -> None:
        """Neither in a key nor in a value."""
        fail(5, "ada@example.com")
        succeed("ada@example.com", own="laptop")
        text = f"{_keys()} {[cache._cache[key] for key in _keys()]}"  # type: ignore[attr-defined]
        assert _keys()
        assert "ada" not in text
        assert HOME not in text

    def test_no_name_is_in_an_attempt(self) -> None:
        """Its repr() may be logged by whoever uses it."""
        assert "ada" not in repr(attempt("ada@example.com"))


class TestEvents:
    def rows(self) -> list[Mapping[str, Any]]:
        """Return the details of the rows, the oldest first."""
        rows = AuthEvent.objects.filter(type=EventType.THROTTLED).order_by("pk")
        return [row.detail for row in rows]

    def test_say_when_a_counter_begins_to_delay(self) -> None:
        """Once for each, with the counter and its number, and no name."""
        fail_everywhere(20)
        assert self.rows() == [{"counter": "account", "failures": 20}]
        row = AuthEvent.objects.get()
        assert (row.user_key, row.ip) == ("", "10.0.0.19")

    def test_are_not_written_for_what_is_refused(self, clock: Clock) -> None:
        """Nor for further failures: those rows would be the attacker's."""
        fail(5)
        assert [wait() for _ in range(20)] == [1] * 20
        clock.advance(seconds=1)
        fail()
        assert self.rows() == [{"counter": "pair", "failures": 5}]

    def test_are_written_again_after_a_success(self) -> None:
        """A second attack is a second row."""
        fail(4)
        succeed()
        fail(5)
        assert self.rows() == [{"counter": "pair", "failures": 5}]

    def test_are_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        """As a warning, for whoever watches the logs."""
        fail(5)
        [record] = [each for each in caplog.records if each.name == "tokenauth.throttling"]
        assert record.levelname == "WARNING"
        assert "counter=pair failures=5 ip=192.0.2.1" in record.getMessage()


class TestOff:
    def test_counts_nothing(self, operations: list[str]) -> None:
        """A project that has something else for it pays nothing."""
        with override_settings(TOKENAUTH_GUESSING=None):
            fail(200)
            succeed()
        assert operations == []


class TestAttack:
    """As fast as it is allowed, for a day and more, by the package's own clock."""

    @pytest.mark.req("REQ-09")
    def test_from_one_address_at_one_account(self, clock: Clock) -> None:
        """At most 20 guesses in the first hour, and at most 4 in a later one."""
        first, *later = guess_for(clock, 12, lambda _: attempt())
        assert first <= 20
        assert max(later) <= 4

    @pytest.mark.req("REQ-09")
    def test_from_a_thousand_addresses_at_one_account(self, clock: Clock) -> None:
        """The account is what waits: 32 in the first hour, then one, and one a day from 100 on."""
        first, *later = guess_for(
            clock, 24 * 6, lambda number: attempt(ip=f"10.1.{number % 4}.{number % 250}")
        )
        assert first <= 33
        assert max(later) <= 1
        assert first + sum(later) <= 103

    def test_from_one_address_at_a_thousand_accounts(self, clock: Clock) -> None:
        """The address is what waits: 50 in the first hour, then 12."""
        first, *later = guess_for(clock, 4, lambda number: attempt(f"user{number % 1000}"))
        assert first <= 50
        assert max(later) <= 12

    def test_by_other_spellings_wins_nothing(self, clock: Clock) -> None:
        """Nor does a login of the attacker's own between any two guesses."""
        names = ["ada", "Ada", "aDa", "adA", "ADA"]

        def guess(number: int) -> Attempt:
            succeed("Ada", own=f"device {number}")
            return attempt(names[number % 5])

        first, *later = guess_for(clock, 3, guess)
        assert first <= 40
        assert max(later) <= 8
