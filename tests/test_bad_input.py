"""Whatever is sent: a 4xx with a code of the table, few queries, and no change."""

import io
import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from tests.conftest import PASSWORD, Api, Clock
from tokenauth.models import AuthEvent, AuthSession, RefreshToken
from tokenauth.responses import ERRORS

pytestmark = pytest.mark.usefixtures("no_limits")

COOKIE = "__Secure-tokenauth-refresh"
SID = "00000000-0000-7000-8000-000000000000"
WITH_BODY = [
    ("POST", "/auth/login/"),
    ("POST", "/auth/refresh/"),
    ("POST", "/auth/logout/"),
    ("POST", "/auth/reauthenticate/"),
    ("PATCH", f"/auth/sessions/{SID}/"),
    ("POST", "/auth/sessions/revoke/"),
]
METHODS = {
    "/auth/login/": {"POST"},
    "/auth/refresh/": {"POST"},
    "/auth/logout/": {"POST"},
    "/auth/reauthenticate/": {"POST"},
    "/auth/me/": {"GET", "HEAD"},
    "/auth/sessions/": {"GET", "HEAD"},
    f"/auth/sessions/{SID}/": {"PATCH", "DELETE"},
    "/auth/sessions/revoke/": {"POST"},
}
GOOD: dict[str, Any] = {
    "username": "ada",
    "password": PASSWORD,
    "client": "app",
    "device_name": "x",
    "scope": "all",
}
NOT_JSON = {
    "empty_text": b" ",
    "open": b"{",
    "closed_twice": b"{}}",
    "comma": b'{"username": "ada",}',
    "no_quotes": b"{username: 1}",
    "one_quote": b"{'username': 'ada'}",
    "comment": b"{}/**/",
    "nan": b'{"username": NaN}',
    "infinity": b'{"username": -Infinity}',
    "leading_zero": b'{"username": 01}',
    "hex": b'{"username": 0x1}',
    "long_integer": b'{"username": ' + b"9" * 5000 + b"}",
    "control": b'{"username": "a\nb"}',
    "bad_escape": b'{"username": "\\x41"}',
    "bom": b"\xef\xbb\xbf{}",
    "utf16": '{"username": "ada"}'.encode("utf-16"),
    "utf32": '{"username": "ada"}'.encode("utf-32"),
    "latin1": b'{"username": "\xe9"}',
    "overlong": b'{"username": "\xc0\x80"}',
    "encoded_surrogate": b'{"username": "\xed\xa0\x80"}',
    "nul": b"\x00",
    "gzip": b"\x1f\x8b\x08\x00",
    "form": b"username=ada&password=x",
    "xml": b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
    "array": b'[{"username": "ada"}]',
    "text": b'"ada"',
    "number": b"7",
    "null": b"null",
    "duplicate": b'{"username": "ada", "username": "eve"}',
    "nested_duplicate": b'{"x": {"a": 1, "a": 2}}',
    "deep_arrays": b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep_objects": b'{"x":' + b'{"a":' * 12_000,
    "too_deep_to_read": b"[" * 100_000,
    "a_megabyte": b'{"username": "' + b"a" * 2**20 + b'"}',
    "a_byte_too_much": b'{"username": "' + b"a" * (2**16 - 15) + b'"}',
}
WRONG_TYPES: list[Any] = [None, 0, 1.5, True, [], ["ada"], {}, {"a": 1}, 10**400]
HOSTILE_TEXTS = ["\x00", "a\x00", "\ud800", "\udfff a", "x" * 4097, "x" * 60_000]


def rows() -> list[Any]:
    """Return all that the database holds of sessions."""
    return [list(m.objects.order_by("pk").values()) for m in (AuthSession, RefreshToken, AuthEvent)]


class Hostile:
    """A client that nobody can trust: Ada's, with a session, and whatever bytes.

    Every answer is held against the promise of this module.
    """

    def __init__(self, api: Api, max_queries: Any) -> None:
        self.api = api
        self.max_queries = max_queries

    def send(self, method: str, path: str, body: bytes = b"", **extra: Any) -> Any:
        """Send raw bytes with the access token; return the refusal."""
        headers = {"Authorization": f"Bearer {self.api.access}", **extra.pop("headers", {})}
        extra.setdefault("content_type", "application/json")
        before = rows()
        with self.max_queries(2):
            response = self.api.http.generic(method, path, body, headers=headers, **extra)
        assert_refused(response)
        assert rows() == before
        return response


def assert_refused(response: Any) -> None:
    """Fail unless a response is an error of the table, with a status below 500."""
    answer = json.loads(response.content)
    assert 400 <= response.status_code < 500
    assert ERRORS[answer["code"]][0] == response.status_code
    assert isinstance(answer["detail"], str)


@pytest.fixture
def hostile(
    clock: Clock, app: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> Hostile:
    """A session whose generation is known to be in use, so that no request has to note it."""
    assert app.whoami().status_code == 200
    return Hostile(app, django_assert_max_num_queries)


def wrong_methods() -> list[tuple[str, str]]:
    """Return every path with every method that it does not have."""
    names = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X")
    return [(name, path) for path, own in METHODS.items() for name in names if name not in own]


class TestMethod:
    @pytest.mark.req("REQ-10", "REQ-136")
    @pytest.mark.parametrize(("method", "path"), wrong_methods())
    def test_that_a_path_does_not_have(self, hostile: Hostile, method: str, path: str) -> None:
        """405, and Allow names those that it has; an override in a header is not read."""
        override = {"X-HTTP-Method-Override": "POST"}
        response = hostile.send(method, path, b'{"scope": "all"}', headers=override)
        assert response.status_code == 405
        assert set(response["Allow"].split(", ")) == METHODS[path]


class TestMediaType:
    @pytest.mark.req("REQ-10", "REQ-136")
    @pytest.mark.parametrize(("method", "path"), WITH_BODY)
    @pytest.mark.parametrize(
        "media_type",
        [
            *("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"),
            *("text/json", "application/*", "*/*", "application/jsonx", "application/vnd.api+json"),
            *("application/xml", ";", "json", "application", "\xe9", "", "application/json/x"),
        ],
    )
    def test_of_another_kind(
        self, hostile: Hostile, method: str, path: str, media_type: str
    ) -> None:
        """Anything but application/json is a 415 that reads nothing."""
        body = json.dumps({**GOOD, "refresh": hostile.api.refresh_token}).encode()
        response = hostile.send(method, path, body, content_type=media_type)
        assert response.status_code == 415

    @pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
    def test_with_parameters_is_json(self, app: Api, media_type: str) -> None:
        """Parameters and case do not matter (RFC 9110 section 8.3.1)."""
        body = json.dumps({"scope": "others"})
        headers = {"Authorization": f"Bearer {app.access}"}
        path = "/auth/sessions/revoke/"
        response = app.http.generic("POST", path, body, media_type, headers=headers)
        assert response.status_code == 200

    @pytest.mark.parametrize("path", METHODS)
    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "x", ";", "a/b/c", "\xe9"])
    def test_that_cannot_be_sent(self, hostile: Hostile, path: str, accept: str) -> None:
        """An Accept that excludes JSON is a 406, in JSON."""
        method = min(METHODS[path])
        response = hostile.send(method, path, b"{}", headers={"Accept": accept})
        assert response.status_code == 406

    @pytest.mark.parametrize(
        "accept",
        [
            *("*/*", "application/json", "application/json, text/plain, */*"),
            *("application/*", "application/json;;;="),
        ],
    )
    def test_that_can_be_sent(self, app: Api, accept: str) -> None:
        """An Accept that JSON satisfies is served, however odd."""
        response = app.get("/auth/me/", headers={"Accept": accept})
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"

    @pytest.mark.parametrize("query", ["format=xml", "format=api", "format="])
    def test_in_the_query_is_ignored(self, app: Api, query: str) -> None:
        """The format of an answer is not for the URL to choose."""
        assert app.get(f"/auth/me/?{query}")["Content-Type"] == "application/json"


class TestBody:
    @pytest.mark.req("REQ-136")
    @pytest.mark.parametrize(("method", "path"), WITH_BODY)
    @pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
    def test_that_is_no_json_object(
        self, hostile: Hostile, method: str, path: str, body: bytes
    ) -> None:
        """400 bad_request, by whatever name JSON is broken."""
        response = hostile.send(method, path, body)
        assert response.json()["code"] == "bad_request"
        assert "errors" not in response.json()

    def test_of_the_greatest_size_is_read(self, hostile: Hostile) -> None:
        """64 KiB are read, and judged by their members."""
        body = b'{"username": "' + b"a" * (2**16 - 16) + b'"}'
        assert len(body) == 2**16
        assert "username" in hostile.send("POST", "/auth/login/", body).json()["errors"]

    @pytest.mark.parametrize(
        ("path", "missing"),
        [
            ("/auth/login/", {"username", "password"}),
            ("/auth/reauthenticate/", {"password"}),
            (f"/auth/sessions/{SID}/", {"device_name"}),
            ("/auth/sessions/revoke/", {"scope"}),
        ],
    )
    def test_without_its_members(self, hostile: Hostile, path: str, missing: set[str]) -> None:
        """Each missing member is named in ``errors``, with a list of texts."""
        errors = hostile.send(min(METHODS[path]) if SID not in path else "PATCH", path, b"{}")
        assert set(errors.json()["errors"]) == missing
        assert all(
            isinstance(text, str) for texts in errors.json()["errors"].values() for text in texts
        )


MEMBERS = [
    *(("POST", "/auth/login/", name) for name in ("username", "password", "client")),
    *(("POST", "/auth/login/", name) for name in ("device_name", "remember")),
    ("POST", "/auth/refresh/", "refresh"),
    ("POST", "/auth/logout/", "refresh"),
    ("POST", "/auth/reauthenticate/", "password"),
    ("PATCH", f"/auth/sessions/{SID}/", "device_name"),
    ("POST", "/auth/sessions/revoke/", "scope"),
]


class TestMember:
    @pytest.mark.req("REQ-136")
    @pytest.mark.parametrize(("method", "path", "name"), MEMBERS)
    @pytest.mark.parametrize("value", WRONG_TYPES, ids=lambda value: repr(value)[:12])
    def test_of_another_type(
        self, hostile: Hostile, method: str, path: str, name: str, value: Any
    ) -> None:
        """A member of a wrong JSON type is a 400 that names it."""
        if name == "remember" and value is True:
            value = "true"
        response = hostile.send(method, path, json.dumps({**GOOD, name: value}).encode())
        assert list(response.json()["errors"]) == [name]

    @pytest.mark.req("REQ-31", "REQ-136")
    @pytest.mark.parametrize(("method", "path", "name"), MEMBERS)
    @pytest.mark.parametrize(
        "value", HOSTILE_TEXTS, ids=lambda value: f"{len(value)}{ascii(value)[:9]}"
    )
    def test_of_hostile_text(
        self, hostile: Hostile, method: str, path: str, name: str, value: str
    ) -> None:
        """NUL, lone surrogates and great length are a 400 that names the member."""
        response = hostile.send(method, path, json.dumps({**GOOD, name: value}).encode())
        assert list(response.json()["errors"]) == [name]
        assert len(response.content) < 500

    def test_that_is_unknown_may_be_anything(self, app: Api) -> None:
        """Members of a later release are not even looked at."""
        body = b'{"scope": "others", "later": {"a": [1, null, "\\ud800"]}}'
        headers = {"Authorization": f"Bearer {app.access}"}
        path = "/auth/sessions/revoke/"
        response = app.http.generic("POST", path, body, "application/json", headers=headers)
        assert response.status_code == 200


class TestToken:
    @pytest.mark.req("REQ-31", "REQ-136")
    @pytest.mark.parametrize("change", ["pad", "alphabet", "truncate", "extend", "case", "space"])
    def test_that_was_changed(self, hostile: Hostile, change: str) -> None:
        """Truncated, padded, in another alphabet or case: 401, as body, as cookie, as access."""
        api = hostile.api
        body = json.dumps({"refresh": changed(str(api.refresh_token), change)}).encode()
        assert hostile.send("POST", "/auth/refresh/", body).status_code == 401
        cookie = f'{COOKIE}="{changed(str(api.refresh_token), change)}"'
        assert hostile.send("POST", "/auth/refresh/", HTTP_COOKIE=cookie).status_code == 401
        header = {"Authorization": f"Bearer {changed(str(api.access), change)}"}
        assert hostile.send("GET", "/auth/me/", headers=header).status_code == 401

    @pytest.mark.req("REQ-27", "REQ-31")
    def test_of_the_other_kind(self, hostile: Hostile) -> None:
        """An access token to refresh/, a refresh token to me/: 401."""
        api = hostile.api
        body = json.dumps({"refresh": api.access}).encode()
        assert hostile.send("POST", "/auth/refresh/", body).status_code == 401
        header = {"Authorization": f"Bearer {api.refresh_token}"}
        assert hostile.send("GET", "/auth/me/", headers=header).status_code == 401

    @pytest.mark.parametrize("path", ["/auth/login/", "/auth/refresh/", "/auth/logout/"])
    def test_in_two_cookies(self, hostile: Hostile, path: str) -> None:
        """Two refresh cookies are a 400 wherever the cookie is read."""
        body = json.dumps({"username": "ada", "password": PASSWORD}).encode()
        cookie = f"{COOKIE}=one; {COOKIE}=two"
        response = hostile.send("POST", path, body, HTTP_COOKIE=cookie)
        assert response.json()["code"] == "refresh_ambiguous"

    @pytest.mark.parametrize("sid", ["%00", "%ff", "'", "x" * 4000, SID.upper() + "a"])
    def test_in_the_path(self, hostile: Hostile, sid: str) -> None:
        """A session id that is none is a 404, after one query for the access token."""
        assert hostile.send("DELETE", f"/auth/sessions/{sid}/").status_code == 404

    def test_in_the_query_is_no_credential(self, hostile: Hostile) -> None:
        """``?access_token=`` of RFC 6750 section 2.3 is not taken."""
        path = "/auth/me/?access_token=" + "".join(
            f"%{ord(c):02X}" for c in str(hostile.api.access)
        )
        response = hostile.send("GET", path, headers={"Authorization": ""})
        assert response.json()["code"] == "not_authenticated"


def changed(token: str, change: str) -> str:
    """Return another spelling of a token, or a part of it."""
    match change:
        case "pad":
            return token + "="
        case "alphabet":
            return (
                token.translate(str.maketrans("-_", "+/"))
                if set("-_") & set(token)
                else f"+{token}"
            )
        case "truncate":
            return token[:-1]
        case "extend":
            return token + "A"
        case "case":
            return token.swapcase()
    return f"{token[:10]} {token[10:]}"


class TestLength:
    @pytest.mark.req("REQ-136")
    @pytest.mark.parametrize(
        "length", ["-1", "-99999999999", "abc", "1e3", " ", "0x2", "", None, "0", "1", "5"]
    )
    def test_that_lies(self, db: None, length: str | None) -> None:
        """A Content-Length that is wrong, absent or no number is a 400, or nothing sent."""
        answer = call("POST", "/auth/login/", b'{"username": "a", "password": "b"}', length)
        assert answer == (400, "bad_request")

    @pytest.mark.parametrize("length", [str(2**16 + 1), str(2**40), "9" * 30])
    def test_that_promises_too_much(self, db: None, length: str) -> None:
        """What follows decides: the body that came is read, and no more than 64 KiB of it."""
        body = b'{"username": "nobody", "password": "b", "client": "app"}'
        assert call("POST", "/auth/login/", body, length) == (401, "login_failed")
        assert call("POST", "/auth/login/", b" " * 2**17, length) == (400, "bad_request")

    def test_of_a_body_that_breaks_off(self, db: None) -> None:
        """A client that goes away while it sends has sent no JSON."""

        class Broken(io.BytesIO):
            def read(self, *_args: Any) -> bytes:
                raise OSError("connection reset")

        assert call("POST", "/auth/login/", Broken(), "50") == (400, "bad_request")


def call(method: str, path: str, body: bytes | io.BytesIO, length: str | None) -> tuple[int, str]:
    """Call with an environment of one's own, as the test client corrects lengths."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_TYPE": "application/json",
        "wsgi.input": body if isinstance(body, io.BytesIO) else io.BytesIO(body),
    }
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    response = Client(raise_request_exception=False).request(**environ)
    return response.status_code, json.loads(response.content)["code"]


ANY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


class TestAnything:
    @ANY
    @given(target=st.sampled_from(WITH_BODY), body=st.binary(max_size=80))
    def test_as_a_body(self, hostile: Hostile, target: tuple[str, str], body: bytes) -> None:
        """Bytes of chance are refused; without any, an endpoint may have all it needs."""
        method, path = target
        if body or path not in {"/auth/refresh/", "/auth/logout/"}:
            hostile.send(method, path, body)

    @ANY
    @given(member=st.sampled_from(MEMBERS), value=JSON | ANY_TEXT)
    def test_as_a_member(self, hostile: Hostile, member: tuple[str, str, str], value: Any) -> None:
        """A value of chance is never a 5xx, and its answer is in the table or a success."""
        method, path, name = member
        body = json.dumps({**GOOD, "scope": "others", "password": "wrong", name: value})
        headers = {"Authorization": "Bearer x"} if "sessions" not in path else None
        sent = headers or {"Authorization": f"Bearer {hostile.api.access}"}
        response = hostile.api.http.generic(method, path, body, "application/json", headers=sent)
        if response.status_code not in {200, 204}:
            assert_refused(response)

    @ANY
    @given(value=ANY_TEXT)
    def test_as_a_credential(self, hostile: Hostile, value: str) -> None:
        """Text of chance in the header or the cookie is a 401, or a 400 for two cookies."""
        text = value.encode("utf-8", "surrogatepass").decode("latin-1")
        header = {"Authorization": f"Bearer {text}"}
        assert hostile.send("GET", "/auth/me/", headers=header).status_code == 401
        cookie = f"{COOKIE}={text}"
        hostile.send("POST", "/auth/refresh/", headers={"Cookie": cookie})
