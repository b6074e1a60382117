"""The doors to time and randomness."""

import secrets
import time
import uuid
from datetime import UTC, datetime

import pytest

from tokenauth import system
from tokenauth.models import AuthSession


class TestNow:
    def test_is_the_time_in_utc(self):
        """Aware, and what the system's clock says."""
        before = time.time()
        now = system.now()
        assert before <= now.timestamp() <= time.time()
        assert now.tzinfo is UTC


class TestMonotonic:
    def test_goes_forward_by_itself(self):
        """In seconds, of the clock that nobody sets."""
        before = time.monotonic()
        assert before <= system.monotonic() <= time.monotonic()


class TestRandomBytes:
    def test_come_from_the_secure_generator(self, monkeypatch):
        """``secrets``, and no generator that could be predicted."""
        monkeypatch.setattr(secrets, "token_bytes", lambda length: b"\x01" * length)
        assert system.random_bytes(5) == b"\x01" * 5

    @pytest.mark.parametrize("length", [0, 1, 16, 32])
    def test_are_as_many_as_asked_for(self, length):
        """Bytes, not characters."""
        assert len(system.random_bytes(length)) == length

    def test_differ(self):
        """Two calls, two values."""
        assert system.random_bytes(16) != system.random_bytes(16)


class TestNewId:
    def test_is_a_version_7_uuid(self):
        """RFC 9562 section 5.7: version, variant, and nothing else fixed."""
        made = [system.new_id() for _ in range(200)]
        assert {one.version for one in made} == {7}
        assert {one.variant for one in made} == {uuid.RFC_4122}

    def test_starts_with_the_time_in_milliseconds(self, clock):
        """48 bits, so the primary key's index grows at its end."""
        assert system.new_id().int >> 80 == int(clock.time.timestamp() * 1000)

    def test_later_ones_are_greater(self, clock):
        """As numbers, as bytes and as text, from one millisecond to the next."""
        made = []
        for _ in range(100):
            made.append(system.new_id())
            clock.advance(milliseconds=1)
        assert made == sorted(made)
        assert [one.bytes for one in made] == sorted(one.bytes for one in made)
        assert [str(one) for one in made] == sorted(str(one) for one in made)

    def test_leaves_74_bits_to_chance(self, clock):
        """Ten thousand in one millisecond are distinct, in every random bit."""
        made = {system.new_id().int for _ in range(10_000)}
        assert len(made) == 10_000
        zeros, ones = 0, (1 << 128) - 1
        for number in made:
            zeros, ones = zeros | number, ones & number
        assert (zeros ^ ones).bit_count() == 74

    def test_holds_until_the_year_10889(self, clock):
        """The time fits: a clock that is centuries ahead makes ids, not exceptions."""
        clock.advance(days=365 * 5000)
        assert system.new_id().version == 7

    def test_keeps_its_path(self):
        """Migrations name it, so it stays where it is."""
        assert AuthSession._meta.pk.default is system.new_id
        assert system.new_id.__module__ == "tokenauth.system"


class TestFirstId:
    def test_is_before_every_id_of_its_time_and_after_those_before(self, clock):
        """A bound: ids of one millisecond earlier are below it, its own are not."""
        for _ in range(100):
            earlier = system.new_id()
            clock.advance(milliseconds=1)
            bound = system.first_id(clock())
            assert earlier.bytes < bound.bytes <= system.new_id().bytes
            assert earlier < bound <= system.new_id()

    def test_is_of_the_version_of_all_others(self, clock):
        """MariaDB compares ids of unlike versions in another order."""
        assert system.first_id(clock()).version == 7
        assert system.first_id(clock()).variant == uuid.RFC_4122

    def test_before_the_first_time(self):
        """A time that no id has is the smallest id."""
        assert system.first_id(datetime(1960, 1, 1, tzinfo=UTC)).int >> 80 == 0
