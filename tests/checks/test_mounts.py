import pytest
from django.conf.urls.i18n import i18n_patterns
from django.test import override_settings
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.functional import lazystr

from tests.checks import messages, problems
from tokenauth.checks.mounts import public_paths

Patterns = tuple[URLPattern | URLResolver, ...]

ONCE: Patterns = (path("auth/", include("tokenauth.urls")),)
TWICE: Patterns = (*ONCE, path("v2/", include("tokenauth.urls", namespace="v2")))
BESIDE: Patterns = (*ONCE, path("v2/", include("tokenauth.urls_without_login", namespace="v2")))
NESTED: Patterns = (path("api/", include((ONCE, "api"))),)
DEEP: Patterns = (path("api/", include(list(ONCE))),)
BY_TENANT: Patterns = (path("<slug:tenant>/auth/", include("tokenauth.urls")),)
TRANSLATED: Patterns = (path(lazystr("auth/"), include("tokenauth.urls")),)
LANGUAGES = [("en", "English"), ("de", "German")]


def in_languages() -> Patterns:
    """Return the endpoints inside of i18n_patterns(), which asks the settings when it is called."""
    return tuple(i18n_patterns(*ONCE))


class TestMounts:
    @pytest.mark.parametrize("urls", [ONCE, DEEP, (re_path("^auth/", include("tokenauth.urls")),)])
    def test_pass_once(self, urls: Patterns) -> None:
        """One mount, however deep, is right."""
        assert problems(deploy=True, ROOT_URLCONF=urls) == []

    @pytest.mark.parametrize("urls", [(), NESTED, BY_TENANT], ids=["none", "nested", "arguments"])
    def test_are_found_by_name(self, urls: Patterns) -> None:
        """Where reverse() fails the cookie has no path: it would be a 500 at every login."""
        assert problems(ROOT_URLCONF=urls) == ["E072"]

    @pytest.mark.parametrize("urls", [TWICE, BESIDE, (*ONCE, *ONCE)])
    def test_are_one(self, urls: Patterns) -> None:
        """The cookie of one mount is not sent to the other."""
        assert problems(ROOT_URLCONF=urls) == ["E073"]

    def test_do_not_move_with_the_language(self) -> None:
        """In i18n_patterns() the cookie would be lost when the user changes the language."""
        assert problems(ROOT_URLCONF=in_languages()) == ["E074"]

    def test_do_not_move_by_translation(self) -> None:
        """Nor may the path itself be translated."""
        assert problems(ROOT_URLCONF=TRANSLATED) == ["E074"]

    @pytest.mark.parametrize("urls", [(), NESTED, BY_TENANT, TWICE, in_languages()])
    def test_may_be_anywhere_under_a_path_that_is_set(self, urls: Patterns) -> None:
        """With the path / the cookie reaches every mount."""
        assert problems(ROOT_URLCONF=urls, TOKENAUTH_REFRESH_COOKIE_PATH="/") == []

    @pytest.mark.parametrize("path_of_one", ["/en/auth/", "/auth/"])
    def test_in_languages_need_a_path_above_all(self, path_of_one: str) -> None:
        """A path that leads to the endpoints of one language only is refused for the other."""
        found = messages(
            ROOT_URLCONF=in_languages(),
            LANGUAGES=LANGUAGES,
            TOKENAUTH_REFRESH_COOKIE_PATH=path_of_one,
        )
        assert "/de/auth/" in found[-1].msg

    def test_are_not_looked_for_without_a_urlconf(self) -> None:
        """A worker's settings may have no URLconf at all; with a path that is no error."""
        assert problems(ROOT_URLCONF=None, TOKENAUTH_REFRESH_COOKIE_PATH="/auth/") == []


class TestPublicPaths:
    def test_are_those_of_all_mounts(self) -> None:
        """Each mount has its own."""
        with override_settings(ROOT_URLCONF=TWICE):
            assert public_paths() == ["/auth/", "/v2/"]

    def test_are_those_of_all_languages(self) -> None:
        """One for each language that the path depends on."""
        with override_settings(ROOT_URLCONF=in_languages(), LANGUAGES=LANGUAGES):
            assert public_paths() == ["/en/auth/", "/de/auth/"]

    def test_leave_the_language_alone(self) -> None:
        """A path that does not depend on the language is said once."""
        with override_settings(ROOT_URLCONF=ONCE, LANGUAGES=LANGUAGES):
            assert public_paths() == ["/auth/"]
