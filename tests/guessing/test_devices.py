from typing import Any

from django.conf import settings
from django.core.signing import Signer
from django.test import override_settings

from tokenauth.guessing.devices import MAX_ACCOUNTS, Device, new_device, read_device

ROTATED: dict[str, Any] = {
    "SECRET_KEY": "other" * 10,
    "SECRET_KEY_FALLBACKS": [settings.SECRET_KEY],
}


def device_of(*usernames: str) -> Device:
    """Return a device on which these have logged in, in this order."""
    device = new_device()
    for username in usernames:
        device = device.with_account(username)
    return device


class TestDevice:
    def test_knows_who_has_logged_in(self) -> None:
        """And nobody else."""
        device = device_of("ada")
        assert device.knows("ada")
        assert not device.knows("bob")

    def test_knows_one_spelling(self) -> None:
        """``Ada`` may be another's account: its owner must get no counter of their own at ada's."""
        assert not device_of("Ada").knows("ada")

    def test_forgets_the_oldest(self) -> None:
        """The cookie stays small, and a stranger's browser collects no accounts."""
        device = device_of(*(str(number) for number in range(MAX_ACCOUNTS + 1)))
        known = [number for number in range(MAX_ACCOUNTS + 1) if device.knows(str(number))]
        assert known == [1, 2, 3, 4, 5]

    def test_keeps_its_id_and_names_each_once(self) -> None:
        """A second login of the same account changes nothing."""
        device = device_of("ada", "bob")
        again = device.with_account("bob")
        assert again == device

    def test_has_no_name_in_it(self) -> None:
        """The value is random, digests and a signature."""
        assert "ada" not in device_of("ada@example.com").value()

    def test_does_not_show_its_id(self) -> None:
        """Whoever reads it in a log could guess in its stead."""
        device = device_of("ada")
        assert device.id not in repr(device)

    def test_fits_into_a_cookie(self) -> None:
        """With as many accounts as it can have, it is still read."""
        device = device_of(*"abcde")
        assert len(device.value()) < 300
        assert read_device([device.value()], "a") == device


class TestRead:
    def test_refuses_what_is_not_signed(self) -> None:
        """Nobody makes one."""
        value = device_of("ada").value()
        forged = ["", "x", value[:-1], "00" + value[2:], value.partition(":")[0]]
        assert [read_device([each], "ada") for each in forged] == [None] * len(forged)

    def test_refuses_what_was_signed_for_another_purpose(self) -> None:
        """A project signs what users choose; its signatures are no devices."""
        names = device_of("ada").value().partition(":")[0]
        assert read_device([Signer().sign(names)], "ada") is None

    def test_refuses_what_is_too_long(self) -> None:
        """Also if it is signed."""
        device = Device("x" * 400)
        assert read_device([device.value()], "ada") is None

    def test_takes_the_one_that_knows_the_account(self) -> None:
        """A sibling host can plant a device of its own, and takes nothing away by it."""
        planted, own = device_of("mallory"), device_of("ada")
        assert read_device([planted.value(), own.value()], "ada") == own

    def test_takes_any_for_an_account_that_none_knows(self) -> None:
        """The browser keeps its id when another user logs in."""
        device = device_of("ada")
        assert read_device(["x", device.value()], "bob") == device


class TestRotation:
    def test_of_the_secret_key_is_survived(self) -> None:
        """By the fallbacks: the signature and the digest."""
        value = device_of("ada").value()
        with override_settings(**ROTATED):
            device = read_device([value], "ada")
            assert device is not None
            assert device.knows("ada")

    def test_of_the_secret_key_is_followed(self) -> None:
        """The digest by the old key is replaced, before that key goes."""
        old = device_of("ada")
        with override_settings(**ROTATED):
            assert not old.is_current("ada")
            new = old.with_account("ada")
            assert new.is_current("ada")
            assert len(new.accounts) == 1

    def test_without_the_fallback_forgets(self) -> None:
        """A key that leaked is taken away, and nothing made by it counts."""
        value = device_of("ada").value()
        with override_settings(SECRET_KEY="other" * 10):
            assert read_device([value], "ada") is None
