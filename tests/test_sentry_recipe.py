"""The recipe for Sentry, run as it is printed, against the real SDK."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SECRETS = {
    "access": "the-access-token-of-the-body",
    "refresh": "the-refresh-token-of-the-body",
    "cookie": "the-refresh-token-of-the-cookie",
    "password": "the-password-of-the-login",
}


@cache
def events(configuration: str) -> str:
    """Return what Sentry would have been sent, as text.

    In another process: the SDK changes Django for good when it is started.
    """
    run = subprocess.run(
        [sys.executable, "-m", "tests.sentry_probe", configuration],
        input=json.dumps(SECRETS),
        cwd=Path(__file__).parent.parent,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    sent = json.loads(run.stdout)
    assert len(sent) == 2
    return json.dumps(sent)


@pytest.mark.req("REQ-126")
@pytest.mark.parametrize("name", SECRETS)
class TestSecrets:
    def test_the_default_shows_it(self, name):
        """Which is why there is a recipe; if this fails, the recipe has become shorter."""
        assert SECRETS[name] in events("default")

    def test_the_recipe_hides_it(self, name):
        """In bodies, cookies, local variables and the representations of objects."""
        assert SECRETS[name] not in events("recipe")


class TestUse:
    def test_what_is_harmless_stays(self):
        """The event still says what went wrong, and where."""
        sent = events("recipe")
        assert "RuntimeError" in sent
        assert "OperationalError" in sent
        assert '"harmless": "kept"' in sent

    def test_only_our_own_stack_loses_its_variables(self):
        """The project's view keeps the ones that are no secret."""
        for event in json.loads(events("recipe")):
            errors = event["exception"]["values"]
            frames = [frame for error in errors for frame in error["stacktrace"]["frames"]]
            ours = any(frame["module"].startswith("tokenauth.") for frame in frames)
            assert any("vars" in frame for frame in frames) is not ours
