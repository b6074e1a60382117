"""The OpenAPI schema: complete, stable, and true."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import override_settings
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from schemathesis import GenerationMode

from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.responses import ERRORS
from tokenauth.sessions import start_session

pytestmark = pytest.mark.any_database


class Own(APIView):
    """A view of the project."""

    authentication_classes = [AccessTokenAuthentication]

    @extend_schema(responses={204: None})
    def get(self, _request: Request) -> Response:
        """Answer."""
        return Response(status=204)


urlpatterns = [path("auth/", include("tokenauth.urls"))]

OPERATIONS = {
    ("post", "/auth/login/"): "tokenauth_login",
    ("post", "/auth/login/second-step/"): "tokenauth_second_step",
    ("post", "/auth/refresh/"): "tokenauth_refresh",
    ("post", "/auth/logout/"): "tokenauth_logout",
    ("post", "/auth/reauthenticate/"): "tokenauth_reauthenticate",
    ("get", "/auth/me/"): "tokenauth_me",
    ("get", "/auth/sessions/"): "tokenauth_sessions",
    ("patch", "/auth/sessions/{sid}/"): "tokenauth_session_rename",
    ("delete", "/auth/sessions/{sid}/"): "tokenauth_session_end",
    ("post", "/auth/sessions/revoke/"): "tokenauth_sessions_revoke",
}
# Raised only by a project's own gate, and by a permission for its own views.
NOT_OURS = {"permission_denied", "insufficient_user_authentication"}
MINIMAL = """
import sys
from django.conf import settings
settings.configure(
    SECRET_KEY="x" * 50,
    ROOT_URLCONF="tokenauth.urls",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "tokenauth"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
import django
django.setup()
import tokenauth.urls, tokenauth.middleware
assert not [name for name in sys.modules if name.startswith("drf_spectacular")]
"""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema of a project that mounts the endpoints, and nothing else."""
    found: dict[str, Any] = SchemaGenerator(urlconf=__name__).get_schema(public=True)
    return found


def operations(schema: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Return the operations of a schema by method and path."""
    return {
        (method, route): operation
        for route, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def codes(response: dict[str, Any]) -> set[str]:
    """Return the codes of an error response of a schema."""
    body = response["content"]["application/json"]["schema"]
    return set(body["properties"]["code"]["enum"])


class TestSchema:
    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"TOKENAUTH_ACCESS_COOKIE": True},
            {"TOKENAUTH_CLIENTS": {"tv": {"transport": "body"}}},
            {"SPECTACULAR_SETTINGS": {"COMPONENT_SPLIT_REQUEST": True}},
            {"SPECTACULAR_SETTINGS": {"OAS_VERSION": "3.1.0"}},
        ],
        ids=["default", "access_cookie", "clients", "split", "oas31"],
    )
    def test_is_valid_without_a_warning(self, tmp_path: Path, more: dict[str, Any]) -> None:
        """``spectacular --validate --fail-on-warn`` is content, under every setting."""
        target = tmp_path / "schema.yaml"
        with override_settings(**more):
            call_command(
                "spectacular", urlconf=__name__, file=str(target), validate=True, fail_on_warn=True
            )
        assert "tokenauth_login" in target.read_text()

    def test_has_stable_operation_ids(self, schema: dict[str, Any]) -> None:
        """Generated clients name their methods by these; the bare paths are not listed twice."""
        found = operations(schema)
        assert {key: value["operationId"] for key, value in found.items()} == OPERATIONS

    def test_has_every_code_under_its_status(self, schema: dict[str, Any]) -> None:
        """Each code of the table is documented, and always under the status of the table."""
        seen = set()
        for operation in operations(schema).values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert {str(ERRORS[code][0]) for code in codes(response)} == {status}
                    seen |= codes(response)
        assert seen == ERRORS.keys() - NOT_OURS

    @pytest.mark.parametrize(
        ("key", "expected"),
        [
            (("post", "/auth/login/"), {"login_failed", "mfa_required"}),
            (("post", "/auth/login/second-step/"), {"login_failed"}),
            (
                ("post", "/auth/refresh/"),
                {"refresh_missing", "refresh_invalid", "refresh_superseded", "session_ended"},
            ),
            (
                ("post", "/auth/reauthenticate/"),
                {"login_failed", "session_ended", "access_invalid", "not_authenticated"},
            ),
            (("get", "/auth/me/"), {"access_invalid", "not_authenticated"}),
            (("post", "/auth/sessions/revoke/"), {"access_invalid", "not_authenticated"}),
        ],
    )
    def test_has_each_401_where_it_happens(
        self, schema: dict[str, Any], key: tuple[str, str], expected: set[str]
    ) -> None:
        """A client that is generated knows which codes an operation can have."""
        assert codes(operations(schema)[key]["responses"]["401"]) == expected

    def test_has_the_headers(self, schema: dict[str, Any]) -> None:
        """Cache-Control everywhere, and the header that each status promises."""
        promised = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}
        for operation in operations(schema).values():
            for status, response in operation["responses"].items():
                assert "Cache-Control" in response["headers"]
                assert promised.get(status, "Cache-Control") in response["headers"]
        for key in [("post", "/auth/login/"), ("post", "/auth/refresh/")]:
            assert "Set-Cookie" in operations(schema)[key]["responses"]["200"]["headers"]
        for key in [("post", "/auth/logout/"), ("delete", "/auth/sessions/{sid}/")]:
            assert "Set-Cookie" in operations(schema)[key]["responses"]["204"]["headers"]

    def test_says_what_authenticates(self, schema: dict[str, Any]) -> None:
        """The access token is a Bearer JWT; login and refresh need none."""
        schemes = schema["components"]["securitySchemes"]
        assert schemes == {
            "tokenauthAccess": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        }
        found = operations(schema)
        assert found["get", "/auth/me/"]["security"] == [{"tokenauthAccess": []}]
        assert found["post", "/auth/login/"]["security"] == [{}]

    def test_has_one_scheme_beside_a_project_s_views(self, capsys: Any) -> None:
        """Our endpoints check more than the project's views do, by a token of the same kind."""
        patterns = [*urlpatterns, path("own", Own.as_view())]
        found = SchemaGenerator(patterns=patterns).get_schema(public=True)
        assert list(found["components"]["securitySchemes"]) == ["tokenauthAccess"]
        assert found["paths"]["/own"]["get"]["security"] == [{"tokenauthAccess": []}]
        assert "Warning" not in capsys.readouterr().err

    @override_settings(TOKENAUTH_ACCESS_COOKIE=True)
    def test_says_that_the_access_cookie_does_too(self) -> None:
        """Where it is on, either is enough."""
        schema = SchemaGenerator(urlconf=__name__).get_schema(public=True)
        cookie = schema["components"]["securitySchemes"]["tokenauthAccessCookie"]
        assert cookie["name"] == "__Host-Http-tokenauth-access"
        either: list[Any] = [{"tokenauthAccess": []}, {"tokenauthAccessCookie": []}]
        assert schema["paths"]["/auth/me/"]["get"]["security"] == either

    def test_lists_the_clients_that_may_log_in(self) -> None:
        """A client that cannot be asked for is not offered."""
        clients = {"tv": {"transport": "body"}, "meter": {"transport": "body", "login": False}}
        with override_settings(TOKENAUTH_CLIENTS=clients):
            schema = SchemaGenerator(urlconf=__name__).get_schema(public=True)
        client = schema["components"]["schemas"]["AuthLogin"]["properties"]["client"]
        assert client["allOf"] == [{"type": "string", "enum": ["tv"]}]

    def test_takes_no_names_but_its_own(self, schema: dict[str, Any]) -> None:
        """Every component has a prefix, so that none collides with a project's."""
        assert all(
            name.startswith(("Auth", "PatchedAuth")) for name in schema["components"]["schemas"]
        )

    def test_is_optional(self) -> None:
        """A project without drf-spectacular never imports it."""
        result = subprocess.run(
            [sys.executable, "-c", MINIMAL], capture_output=True, text=True, check=False
        )
        assert (result.returncode, result.stderr) == (0, "")


FEW = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=12,
    suppress_health_check=list(HealthCheck),
)


class TestEndpoints:
    """schemathesis: requests made from the schema, and every answer held against it."""

    @pytest.fixture
    def api(self, db: None, schema: dict[str, Any]) -> Iterator[Any]:
        """The schema as schemathesis sees it, and the application in this process."""
        # A test's transaction must outlive the requests.
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        found = schemathesis.openapi.from_dict(schema)
        found.app = WSGIHandler()
        yield found
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)

    @pytest.mark.req("REQ-136")
    @pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    @pytest.mark.parametrize(("method", "route"), OPERATIONS)
    @FEW
    @given(data=st.data())
    def test_answer_as_the_schema_says(
        self, user: User, api: Any, method: str, route: str, mode: GenerationMode, data: Any
    ) -> None:
        """No 5xx; status, media type, headers and body as documented; bad data is refused."""
        tokens = start_session(user, client="app")
        case = data.draw(api[route][method].as_strategy(generation_mode=mode))
        if mode is GenerationMode.POSITIVE and data.draw(st.booleans()):
            prove(case, tokens)
        case.call_and_validate(headers={"Authorization": f"Bearer {tokens.access}"})


def prove(case: Any, tokens: Any) -> None:
    """Put what chance cannot find into a request: a token, a password's user, a session's id."""
    if isinstance(case.body, dict) and "refresh" in case.body:
        case.body["refresh"] = tokens.refresh
    if isinstance(case.body, dict) and "password" in case.body:
        case.body |= {"username": "ada", "password": "correct horse battery"}
    if "sid" in case.path_parameters:
        case.path_parameters["sid"] = str(tokens.session.pk)
