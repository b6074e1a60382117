from typing import Any

import pytest
from django.urls import include, path

from tests.checks import problems, setting

AT_ROOT = (path("", include("tokenauth.urls")),)


def name(value: Any) -> dict[str, Any]:
    """Return the name of the refresh cookie as a setting."""
    return setting("REFRESH_COOKIE_NAME", value)


class TestName:
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "a b",
            "a;b",
            "a=b",
            "a,b",
            "ä",
            "a\n",
            'a"',
            "a/b",
            "path",
            "Max-Age",
            1,
            b"a",
            "x" * 129,
        ],
    )
    def test_is_one_that_a_cookie_can_have(self, value: Any) -> None:
        """A name that would be a 500 at the first login, or be cut, is refused."""
        assert problems(**name(value)) == ["E030"]

    @pytest.mark.parametrize("value", ["refresh", "__Secure-x", "__Http-x", "a.b_c-d"])
    def test_may_be_the_projects_own(self, value: str) -> None:
        """Tokens in the sense of RFC 6265 pass."""
        assert problems(**name(value)) == []

    @pytest.mark.parametrize(
        "value", ["sessionid", "csrftoken", "tokenauth-access", "__Secure-sessionid"]
    )
    def test_is_not_taken(self, value: str) -> None:
        """Two cookies of one name overwrite each other; under DEBUG the prefix is left out."""
        assert problems(**name(value)) == ["E031"]

    def test_is_not_that_of_a_renamed_session_cookie(self) -> None:
        """The project's own name for its session cookie counts."""
        found = problems(SESSION_COOKIE_NAME="__Host-sid", **name("__Secure-sid"))
        assert found == ["E031"]


class TestPrefix:
    @pytest.mark.req("REQ-75")
    @pytest.mark.parametrize("value", ["__Host-x", "__Host-Http-x", "__host-x"])
    def test_of_a_host_needs_the_root(self, value: str) -> None:
        """Browsers drop a __Host- cookie with any other path, in whatever case it is written."""
        assert problems(**name(value)) == ["E032"]
        assert problems(TOKENAUTH_REFRESH_COOKIE_PATH="/auth/", **name(value)) == ["E032"]

    @pytest.mark.parametrize("value", ["__Host-x", "__Host-Http-x"])
    def test_of_a_host_goes_with_the_root(self, value: str) -> None:
        """With the path / they pass, whether it is set or where the endpoints are."""
        assert problems(TOKENAUTH_REFRESH_COOKIE_PATH="/", **name(value)) == []
        assert problems(ROOT_URLCONF=AT_ROOT, **name(value)) == []

    def test_is_not_judged_without_a_path(self) -> None:
        """Where nothing is mounted, that is the one thing to be said."""
        assert problems(ROOT_URLCONF=(), **name("__Host-x")) == ["E072"]

    @pytest.mark.req("REQ-76")
    @pytest.mark.parametrize("value", ["refresh", "__secure-x", "Secure-x"])
    def test_is_required_in_production(self, value: str) -> None:
        """A name without a prefix can be planted by a page on plain http."""
        assert problems(deploy=True, **name(value)) == ["E040"]

    @pytest.mark.parametrize("value", ["__Secure-x", "__Http-x"])
    def test_satisfies_production(self, value: str) -> None:
        """Any prefix that demands Secure passes."""
        assert problems(deploy=True, **name(value)) == []


class TestPath:
    @pytest.mark.parametrize("value", ["", "auth/", 1, b"/", "/a;b", "/a\nb", "/\u00e4", ["/"]])
    def test_is_one_that_a_cookie_can_have(self, value: Any) -> None:
        """It begins with / and is printable ASCII without the separator of attributes."""
        assert problems(**setting("REFRESH_COOKIE_PATH", value)) == ["E033"]

    @pytest.mark.parametrize("value", ["/aut", "/auth/refresh/", "/other/", "/auth/x"])
    def test_leads_to_the_endpoints(self, value: str) -> None:
        """A path that browsers do not send to every endpoint is refused (RFC 6265 5.1.4)."""
        assert problems(**setting("REFRESH_COOKIE_PATH", value)) == ["E034"]

    @pytest.mark.parametrize("value", ["/", "/auth", "/auth/"])
    def test_may_be_above_the_endpoints(self, value: str) -> None:
        """Every path on the way to them passes."""
        assert problems(deploy=True, **setting("REFRESH_COOKIE_PATH", value)) == []

    @pytest.mark.parametrize("value", ["/api/auth/", "/api/auth"])
    def test_may_be_what_a_proxy_strips_a_prefix_from(self, value: str) -> None:
        """Behind a proxy browsers see a longer path than Django does."""
        assert problems(**setting("REFRESH_COOKIE_PATH", value)) == []

    def test_may_be_above_a_script_name(self) -> None:
        """FORCE_SCRIPT_NAME is part of the path, though no request has set it yet."""
        found = problems(FORCE_SCRIPT_NAME="/api/", **setting("REFRESH_COOKIE_PATH", "/api/"))
        assert found == []

    def test_is_not_judged_where_the_mount_has_arguments(self) -> None:
        """Which path such endpoints have is known with the request only."""
        mounted = (path("<slug:tenant>/auth/", include("tokenauth.urls")),)
        assert problems(ROOT_URLCONF=mounted, **setting("REFRESH_COOKIE_PATH", "/acme/")) == []

    def test_leads_to_every_mount(self) -> None:
        """Of two mounts, one that the cookie is not sent to is refused."""
        mounted = (
            path("auth/", include("tokenauth.urls")),
            path("v2/auth/", include("tokenauth.urls", namespace="v2")),
        )
        assert problems(ROOT_URLCONF=mounted, **setting("REFRESH_COOKIE_PATH", "/v2/")) == ["E034"]


class TestSameSite:
    @pytest.mark.parametrize("value", [None, "", "strict", "none", "Any", True, 1, ["Lax"]])
    def test_is_one_of_three(self, value: Any) -> None:
        """Anything else is refused, None too: browsers have defaults of their own."""
        assert problems(**setting("REFRESH_COOKIE_SAMESITE", value)) == ["E035"]

    @pytest.mark.parametrize("value", ["Strict", "Lax"])
    def test_may_be_strict_or_lax(self, value: str) -> None:
        """Both pass in production."""
        assert problems(deploy=True, **setting("REFRESH_COOKIE_SAMESITE", value)) == []

    @pytest.mark.req("REQ-76")
    def test_is_not_none_in_production(self) -> None:
        """SameSite=None is an error of the deployment check."""
        assert problems(**setting("REFRESH_COOKIE_SAMESITE", "None")) == []
        assert problems(deploy=True, **setting("REFRESH_COOKIE_SAMESITE", "None")) == ["E041"]

    def test_none_needs_secure(self) -> None:
        """Browsers drop SameSite=None without Secure."""
        insecure = setting("REFRESH_COOKIE_SECURE", value=False)
        assert problems(**insecure, **setting("REFRESH_COOKIE_SAMESITE", "None")) == ["E036"]


class TestSecure:
    @pytest.mark.parametrize("value", ["False", 0, 1, ""])
    def test_is_decided(self, value: Any) -> None:
        """Text from the environment is not a decision: "False" would be true."""
        assert problems(**setting("REFRESH_COOKIE_SECURE", value)) == ["E037"]

    @pytest.mark.parametrize("value", [None, True])
    def test_may_be_left_to_the_rule(self, value: Any) -> None:
        """None and True pass in production."""
        assert problems(deploy=True, **setting("REFRESH_COOKIE_SECURE", value)) == []

    @pytest.mark.req("REQ-76")
    def test_is_not_off_in_production(self) -> None:
        """False is an error of the deployment check only."""
        assert problems(**setting("REFRESH_COOKIE_SECURE", value=False)) == []
        assert problems(deploy=True, **setting("REFRESH_COOKIE_SECURE", value=False)) == ["E042"]


class TestAccessCookie:
    @pytest.mark.parametrize("value", [None, "True", 1, "access"])
    def test_is_on_or_off(self, value: Any) -> None:
        """It is a switch, not a name."""
        assert problems(**setting("ACCESS_COOKIE", value)) == ["E038"]

    @pytest.mark.parametrize("value", [True, False])
    def test_may_be_either(self, value: Any) -> None:
        """Both pass in production."""
        assert problems(deploy=True, **setting("ACCESS_COOKIE", value)) == []
