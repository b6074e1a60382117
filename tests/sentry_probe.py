"""Run by the test of the recipe for Sentry, in a process of its own: prints the events as JSON.

Two requests fail: one in a project's view, which has tokens in its body, its cookies and its
local variables; one in our login, whose database has no tables.
"""

import json
import os
import sys
from typing import Any

import django
import sentry_sdk
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from docs.recipes.sentry import before_send, event_scrubber

SENT: list[Any] = []


class Printer(Transport):
    """Keeps what would have gone to the tracker."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep its events."""
        SENT.extend(item.payload.json for item in envelope.items)


def fails(request: HttpRequest) -> HttpResponse:
    """Be a view of a project that handles tokens, and has a bug."""
    answer = json.loads(request.body)
    access, nested = answer["access"], {"deeper": [{"refresh": answer["refresh"]}]}
    raise RuntimeError(len(access) + len(nested))


def main(secrets: dict[str, str], *, recipe: bool) -> None:
    """Configure Sentry, fail twice, print.

    Args:
        secrets: the values of ``access``, ``refresh``, ``cookie`` and ``password``.
        recipe: whether to configure Sentry as the recipe says, or not at all.
    """
    os.environ["DATABASE_URL"] = "sqlite://:memory:"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    scrub: dict[str, Any] = {"event_scrubber": event_scrubber(), "before_send": before_send}
    sentry_sdk.init(
        dsn="https://key@sentry.invalid/1",
        transport=Printer,
        send_default_pii=True,
        **(scrub if recipe else {}),
    )
    django.setup()
    urls = (path("fails", fails), path("auth/", include("tokenauth.urls")))
    tokens = {name: secrets[name] for name in ("access", "refresh")}
    login = {"username": "ada", "password": secrets["password"]}
    with override_settings(ROOT_URLCONF=urls):
        client = Client(raise_request_exception=False)
        client.post("/auth/login/", login, content_type="application/json")
        client.cookies["__Secure-tokenauth-refresh"] = secrets["cookie"]
        client.post("/fails", {**tokens, "harmless": "kept"}, content_type="application/json")
    sentry_sdk.flush()
    sys.stdout.write(json.dumps(SENT))


if __name__ == "__main__":
    main(json.load(sys.stdin), recipe=sys.argv[1] == "recipe")
