"""Refresh tokens: opaque, unique, and without a second spelling."""

import base64
import hashlib
import hmac
import math
import re
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens.test_encoding import ALPHABET
from tokenauth.tokens.keys import RefreshKeys, load_refresh_keys
from tokenauth.tokens.refresh import TOKEN_LENGTH, make_refresh_token, parse_refresh_token

SEED = bytes(range(32))
SESSION = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
OLD, NEW = bytes(range(32, 64)), bytes(range(64, 96))
KEYS = load_refresh_keys((NEW,))


def make(keys: RefreshKeys = KEYS, generation: int = 3, session: uuid.UUID = SESSION) -> str:
    """Return a token of the test's session."""
    return make_refresh_token(keys, seed=SEED, session_id=session, generation=generation)


def is_authentic(raw: str, keys: RefreshKeys = KEYS, seed: bytes = SEED) -> bool:
    """Return whether a token parses and proves itself."""
    parsed = parse_refresh_token(raw, keys)
    return parsed is not None and parsed.is_authentic(keys, seed)


def colliding_secrets() -> tuple[bytes, bytes]:
    """Return two different keys whose one-byte names are the same."""
    named: dict[int, bytes] = {}
    for number in range(1000):
        secret = hashlib.sha256(b"%d" % number).digest()
        kid = load_refresh_keys((secret,)).current.kid
        if kid in named:
            return named[kid], secret
        named[kid] = secret
    raise AssertionError("a thousand keys have more than 256 names")


class TestMakeRefreshToken:
    @pytest.mark.req("REQ-25")
    def test_is_64_characters_that_need_no_quoting(self):
        """Cookies, JSON, headers and URLs carry it as it is."""
        assert re.fullmatch(r"[A-Za-z0-9_-]{64}", make())
        assert TOKEN_LENGTH == 64

    def test_is_what_the_module_describes(self):
        """The layout, computed again from its description alone."""
        kid = hashlib.sha256(b"tokenauth.kid.v1" + NEW).digest()[0]
        head = bytes([1, kid]) + SESSION.bytes + (3).to_bytes(4, "big")
        mac = hmac.new(NEW, SEED + head, "sha256").digest()[:26]
        assert make() == base64.urlsafe_b64encode(head + mac).decode()

    @pytest.mark.req("REQ-14")
    @pytest.mark.req("REQ-25")
    def test_ten_thousand_generations_are_distinct_in_their_secret_part(self):
        """No two tokens of a session share their authenticator."""
        secrets = {make(generation=number)[30:] for number in range(10_000)}
        assert len(secrets) == 10_000

    @pytest.mark.req("REQ-25")
    def test_the_secret_part_has_208_bits_that_look_random(self):
        """Measured over 2,000 tokens: every position uses all 64 characters evenly."""
        tails = [make(generation=number)[30:] for number in range(2000)]
        entropy = 0.0
        for column in zip(*tails, strict=True):
            shares = [count / len(tails) for count in Counter(column).values()]
            entropy -= sum(share * math.log2(share) for share in shares)
        assert entropy > 195  # 34 characters of 6 bits, measured with 2,000 samples

    def test_is_the_same_for_the_same_state(self):
        """A pure function: a retry gets the same successor."""
        assert make() == make()

    @pytest.mark.parametrize(
        "other",
        [
            make(generation=4),
            make(session=uuid.UUID(int=SESSION.int + 1)),
            make(load_refresh_keys((OLD,))),
            make_refresh_token(KEYS, seed=SEED[::-1], session_id=SESSION, generation=3),
        ],
        ids=["generation", "session", "key", "seed"],
    )
    def test_depends_on_all_of_its_state(self, other):
        """Generation, session, key and seed each change the authenticator."""
        assert other[30:] != make()[30:]

    @pytest.mark.req("REQ-25")
    def test_the_newest_key_makes_it(self):
        """The first of the list, whatever follows."""
        assert make(load_refresh_keys((NEW, OLD))) == make(load_refresh_keys((NEW,)))

    def test_the_highest_generation_fits(self):
        """Four bytes: at one rotation in 30 seconds they last four thousand years."""
        assert is_authentic(make(generation=2**32 - 1))
        with pytest.raises(OverflowError):
            make(generation=2**32)


class TestParseRefreshToken:
    @pytest.mark.parametrize("generation", [0, 1, 255, 256, 2**32 - 1])
    def test_names_session_and_generation(self, generation):
        """The row is found without any stored digest."""
        parsed = parse_refresh_token(make(generation=generation), KEYS)
        assert parsed is not None
        assert (parsed.session_id, parsed.generation) == (SESSION, generation)

    @pytest.mark.parametrize(
        "raw",
        [
            *("", " ", "a", "null", make()[:-1], make() + "A", make()[1:], make() + "="),
            *(make() + "\n", " " + make()[1:], make()[:-1] + " ", make()[:-1] + "\x00"),
            *(make()[:-1] + "é", make()[:-1] + "\ud800", make()[:-4] + "====", "." * 64),
            *("A" * 64, "-" * 64, "' OR 1=1 --".ljust(64), "../" * 21 + "a", "x" * 1_000_000),
        ],
    )
    def test_refuses_what_has_another_form(self, raw):
        """None, without a query and without an exception."""
        assert parse_refresh_token(raw, KEYS) is None

    @given(st.text(max_size=80))
    def test_refuses_any_text(self, raw):
        """No text that was not made with the key is authentic."""
        assert not is_authentic(raw)

    @given(st.binary(min_size=48, max_size=48))
    def test_refuses_any_48_bytes(self, value):
        """Right length and alphabet do not help."""
        assert not is_authentic(base64.urlsafe_b64encode(value).decode())

    @pytest.mark.parametrize("version", [0, 2, 255])
    def test_refuses_another_version(self, version):
        """The version byte leaves room for a successor of the format, and none for guesses."""
        value = base64.urlsafe_b64decode(make())
        other = base64.urlsafe_b64encode(bytes([version]) + value[1:]).decode()
        assert parse_refresh_token(other, KEYS) is None

    def test_refuses_an_unknown_kid(self):
        """A token of a key that was taken off the list costs no query."""
        assert parse_refresh_token(make(load_refresh_keys((OLD,))), KEYS) is None

    def test_hides_its_secret(self):
        """``repr`` shows which session is meant, and neither kid, header nor authenticator."""
        shown = repr(parse_refresh_token(make(), KEYS))
        assert "generation=3" in shown
        assert "_mac" not in shown
        assert "_header" not in shown


class TestIsAuthentic:
    def test_accepts_what_was_made(self):
        """The control of the tests that refuse."""
        assert is_authentic(make())

    @pytest.mark.req("REQ-65")
    def test_refuses_every_change_of_one_character(self):
        """Every position by every other character of the alphabet: 4,032 forgeries."""
        raw = make()
        accepted = [
            (position, character)
            for position in range(len(raw))
            for character in ALPHABET
            if character != raw[position]
            and is_authentic(raw[:position] + character + raw[position + 1 :])
        ]
        assert accepted == []

    @pytest.mark.req("REQ-65")
    @pytest.mark.parametrize("alphabet", ["+/", "-/", "+_"])
    def test_refuses_the_standard_alphabet(self, alphabet):
        """The same bytes in other characters are another string, so they are refused."""
        tokens = (make(generation=number) for number in range(1000))
        raw = next(token for token in tokens if "-" in token and "_" in token)
        assert is_authentic(raw)
        assert not is_authentic(raw.translate(str.maketrans("-_", alphabet)))

    @pytest.mark.req("REQ-26")
    def test_refuses_another_seed(self):
        """The keys alone make no token: the seed is in the database."""
        assert not is_authentic(make(), seed=SEED[::-1])

    @pytest.mark.req("REQ-26")
    def test_refuses_another_key_of_the_same_name(self):
        """The seed alone makes no token: the key is not in the database."""
        first, second = colliding_secrets()
        forged = make(load_refresh_keys((second,)))
        assert parse_refresh_token(forged, load_refresh_keys((first,))) is not None
        assert not is_authentic(forged, load_refresh_keys((first,)))

    def test_tries_both_keys_that_share_a_name(self):
        """Which of two keys with one kid made a token is found by trying."""
        first, second = colliding_secrets()
        both = load_refresh_keys((first, second))
        assert len(both.with_kid(both.current.kid)) == 2
        assert is_authentic(make(load_refresh_keys((first,))), both)
        assert is_authentic(make(load_refresh_keys((second,))), both)

    def test_a_token_of_the_old_key_lives_while_the_key_is_listed(self):
        """Rotation of keys logs nobody out: the new list verifies what the old one made."""
        old = make(load_refresh_keys((OLD,)))
        assert is_authentic(old, load_refresh_keys((NEW, OLD)))
        assert is_authentic(old, load_refresh_keys((OLD, NEW)))
        assert not is_authentic(old, load_refresh_keys((NEW,)))

    def test_a_verified_name_is_part_of_what_is_signed(self):
        """A token whose kid was rewritten to another listed key's is refused."""
        keys = load_refresh_keys((NEW, OLD))
        value = bytearray(base64.urlsafe_b64decode(make(keys)))
        value[1] = keys.keys[1].kid
        assert not is_authentic(base64.urlsafe_b64encode(value).decode(), keys)
