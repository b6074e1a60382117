from typing import Any

import pytest
from django.conf import settings
from rest_framework.authentication import BaseAuthentication

from tests.checks import messages, problems, setting
from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.conf import SETTINGS
from tokenauth.middleware import TokenAuthMiddleware

AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
OURS = "tokenauth.middleware.TokenAuthMiddleware"


class Subclassed(TokenAuthMiddleware):
    """A project's own middleware."""


class Other(BaseAuthentication):
    """Authenticates nobody."""


class Moving(AccessTokenAuthentication):
    """A project's own class."""

    ignore_foreign = True


class TestSettingNames:
    @pytest.mark.parametrize("name", ["LIFETIME", "ACCESS_TOKEN_LIFETIMES", "LOGIN_GATES", ""])
    def test_are_known(self, name: str) -> None:
        """A misspelt setting protects nobody, so it stops the server."""
        assert problems(**setting(name, None)) == ["E001"]

    def test_are_suggested(self) -> None:
        """The hint names the setting that was probably meant."""
        (found,) = messages(TOKENAUTH_ACESS_TOKEN_LIFETIME=None)
        assert "TOKENAUTH_ACCESS_TOKEN_LIFETIME" in (found.hint or "")

    def test_of_other_apps_are_their_own(self) -> None:
        """Only names that begin with ours are looked at."""
        assert problems(TOKEN_AUTH_X=1, MY_TOKENAUTH_X=1) == []

    @pytest.mark.parametrize("name", SETTINGS)
    def test_are_accepted(self, name: str) -> None:
        """Every setting there is may be set."""
        assert "E001" not in problems(**setting(name, None))


class TestAccessTokenCheck:
    @pytest.mark.parametrize("value", [None, "", "Session", "revocation_list", "none", 1, []])
    def test_exists(self, value: Any) -> None:
        """A wish for a check that there is not must not be served by another unseen."""
        assert problems(TOKENAUTH_ACCESS_TOKEN_CHECK=value) == ["E002"]

    @pytest.mark.parametrize("value", ["session", "revocation-list", "signature"])
    def test_accepts(self, value: str) -> None:
        """The three that there are."""
        assert problems(TOKENAUTH_ACCESS_TOKEN_CHECK=value) == []

    def test_may_be_named(self) -> None:
        """The default may be written down."""
        assert problems(TOKENAUTH_ACCESS_TOKEN_CHECK="session") == []


@pytest.mark.parametrize("name", ["ISSUER", "AUDIENCE"])
class TestIssuerAndAudience:
    @pytest.mark.parametrize("value", ["", "a\nb", "x" * 256, "\ud800", 1, ["a"], b"a"], ids=ascii)
    def test_are_lines_of_text(self, name: str, value: Any) -> None:
        """They go into every token, and are compared exactly."""
        assert problems(**setting(name, value)) == ["E003"]

    @pytest.mark.parametrize("value", [None, "https://example.com", "x" * 255])
    def test_may_be_absent(self, name: str, value: Any) -> None:
        """Absent, a URL or any name pass."""
        assert problems(deploy=True, **setting(name, value)) == []


class TestTimeZone:
    def test_is_used(self) -> None:
        """In local time a change of the clocks reads as an hour."""
        assert problems(USE_TZ=False) == ["E004"]


class TestMiddleware:
    @pytest.mark.parametrize("value", [[], [AUTHENTICATION], None, "x", [None], ["nowhere.X"]])
    def test_is_there(self, value: Any) -> None:
        """Without it cookies of login() are not written, and no server start is checked."""
        assert problems(MIDDLEWARE=value) == ["E070"]

    @pytest.mark.parametrize(
        "value",
        [
            [OURS],
            [OURS, AUTHENTICATION],
            [AUTHENTICATION, MESSAGES, OURS],
            [AUTHENTICATION, OURS, OURS],
            [AUTHENTICATION, OURS, AUTHENTICATION, OURS],
        ],
    )
    def test_has_one_place(self, value: list[str]) -> None:
        """Once, and directly after the middleware whose user it takes over."""
        assert problems(MIDDLEWARE=value) == ["E071"]

    def test_may_be_subclassed(self) -> None:
        """A project's own subclass counts as ours."""
        own = [SESSIONS, COMMON, AUTHENTICATION, f"{__name__}.Subclassed", MESSAGES]
        assert problems(MIDDLEWARE=own) == []


class TestAuthenticationOrder:
    @staticmethod
    def order(*classes: Any) -> dict[str, Any]:
        """Return DRF's setting with these defaults."""
        paths = [f"{cls.__module__}.{cls.__qualname__}" for cls in classes]
        return {"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": paths}}

    @pytest.mark.parametrize("ours", [AccessTokenAuthentication, Moving])
    def test_has_ours_first(self, ours: type) -> None:
        """DRF answers 401 only if the first class says how to authenticate."""
        assert problems(**self.order(Other, ours)) == ["W070"]

    @pytest.mark.parametrize(
        "classes", [(AccessTokenAuthentication, Other), (Moving,), (Other,), ()]
    )
    def test_is_right_otherwise(self, classes: tuple[type, ...]) -> None:
        """First, or not among the defaults at all."""
        assert problems(**self.order(*classes)) == []

    @pytest.mark.parametrize("value", [None, {"DEFAULT_AUTHENTICATION_CLASSES": ["nowhere.X"]}])
    def test_is_not_judged_where_drf_cannot_read_it(self, value: Any) -> None:
        """A broken REST_FRAMEWORK is DRF's to report."""
        assert problems(REST_FRAMEWORK=value) == []


class TestThisProject:
    def test_is_what_the_others_start_from(self) -> None:
        """The project of the tests itself has nothing to put right."""
        assert settings.MIDDLEWARE[settings.MIDDLEWARE.index(AUTHENTICATION) + 1] == OURS
        assert problems(deploy=True) == []


class TestAdminUserPages:
    @pytest.mark.parametrize("value", [None, 0, 1, "no"])
    def test_are_on_or_off(self, value: Any) -> None:
        """Anything else is a mistake."""
        assert problems(**setting("ADMIN_USER_PAGES", value)) == ["E080"]

    @pytest.mark.parametrize("value", [True, False])
    def test_may_be_either(self, value: Any) -> None:
        """Both are fine."""
        assert problems(**setting("ADMIN_USER_PAGES", value)) == []
