import pytest
from django.conf import settings
from django.test import override_settings

from tokenauth.guessing.names import account_of, digest, digests, network_of


def last_word(username: str) -> str:
    """Name an account by what is behind the last slash."""
    return username.rpartition("/")[2]


def a_number(_username: str) -> int:
    """Return no text."""
    return 5


class TestAccount:
    @pytest.mark.parametrize("spelling", ["ada", "ADA", "Ada", " ada ", "\uff41\uff44\uff41"])
    def test_is_the_same_however_it_is_spelt(self, spelling: str) -> None:
        """Case, width and spaces: a database that ignores them gives no further guesses."""
        assert account_of(spelling) == "ada"

    def test_of_another_name_is_another(self) -> None:
        """No two names that a database tells apart by more than that."""
        assert account_of("ada1") != account_of("ada")

    def test_is_what_the_project_says(self) -> None:
        """A function knows that two names are one account."""
        with override_settings(TOKENAUTH_ACCOUNT_KEY=f"{__name__}.last_word"):
            assert account_of("mail/ADA") == account_of("phone/ada") == "ada"

    def test_is_text_whatever_the_project_returns(self) -> None:
        """The key of a row is as good a name."""
        with override_settings(TOKENAUTH_ACCOUNT_KEY=f"{__name__}.a_number"):
            assert account_of("ada") == "5"


class TestNetwork:
    @pytest.mark.parametrize(
        ("ip", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            (None, "unknown"),
        ],
    )
    def test_is_the_address_or_its_64_bits(self, ip: str | None, network: str) -> None:
        """A household has a whole /64; addresses that cannot be read share one place."""
        assert network_of(ip) == network


class TestDigest:
    def test_tells_parts_apart(self) -> None:
        """No name can be written so that it reads as another name and an address."""
        assert digest("a", "bc") != digest("ab", "c")

    def test_takes_any_text(self) -> None:
        """A lone surrogate is a name that nobody has, and no error."""
        assert len(digest("\ud800")) == 32

    def test_depends_on_the_secret_key(self) -> None:
        """Whoever reads the cache cannot try names."""
        mine = digest("ada")
        with override_settings(SECRET_KEY="other" * 10):
            assert digest("ada") != mine

    def test_is_known_by_every_key(self) -> None:
        """The newest is first, and the fallbacks are still known."""
        mine = digest("ada")
        with override_settings(SECRET_KEY="other" * 10, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
            assert digests("ada") == [digest("ada"), mine]
