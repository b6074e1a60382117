import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.conftest import Api
from tests.processes import run_in_project
from tokenauth.tokens.keys import load_signing_keys

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}
ALGORITHMS = ["ES256", "RS256", "EdDSA"]


def run(*arguments: str) -> tuple[list[str], str]:
    """Run the command; return the lines of its standard output, and its standard error."""
    stdout, stderr = StringIO(), StringIO()
    call_command("tokenauth_key", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue().splitlines(), stderr.getvalue()


def keys(*arguments: str) -> list[dict[str, Any]]:
    """Run the command; return what it printed."""
    return [json.loads(line) for line in run(*arguments)[0]]


class TestKey:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_can_sign(self, algorithm: str) -> None:
        """One line of JSON is a key that the setting takes, as it was printed."""
        (line,) = run("--algorithm", algorithm)[0]
        key = load_signing_keys([line]).current
        assert (key.algorithm, key.can_sign) == (algorithm, True)

    def test_is_es256_unless_asked(self) -> None:
        """The default is the recommended one."""
        assert keys()[0]["alg"] == "ES256"

    def test_is_new_each_time(self) -> None:
        """No two runs print the same key."""
        assert keys()[0]["kid"] != keys()[0]["kid"]

    def test_is_of_a_known_algorithm(self) -> None:
        """Symmetric keys are not made here, nor is anything else."""
        with pytest.raises(CommandError):
            run("--algorithm", "HS256")

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_logs_in(self, algorithm: str, user: Any) -> None:
        """A project that puts the line into its setting serves requests with it."""
        (line,) = run("--algorithm", algorithm)[0]
        with override_settings(TOKENAUTH_SIGNING_KEYS=[line]):
            api = Api()
            assert api.login().status_code == 200
            assert api.whoami().status_code == 200


class TestPublicHalf:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_has_nothing_private(self, algorithm: str) -> None:
        """The second line is the first without what signs (RFC 7517 section 9.2)."""
        private, public = keys("--algorithm", algorithm, "--public")
        assert public == {name: value for name, value in private.items() if name not in PRIVATE}
        assert private.keys() - public.keys()

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_verifies_only(self, algorithm: str) -> None:
        """The setting takes it anywhere but at its head."""
        _, public = keys("--algorithm", algorithm, "--public")
        verifier = load_signing_keys([keys()[0], public]).find(public["kid"])
        assert verifier is not None
        assert not verifier.can_sign

    def test_is_not_printed_unless_asked(self) -> None:
        """One line, for scripts."""
        assert len(run()[0]) == 1


class TestAdvice:
    def test_goes_to_standard_error(self) -> None:
        """Whoever redirects the key to a secret store still reads what to do with it."""
        (line,), advice = run()
        assert json.loads(line)["kid"] in advice
        assert "TOKENAUTH_SIGNING_KEYS" in advice

    def test_repeats_nothing_private(self) -> None:
        """Standard error ends in logs."""
        (line,), advice = run()
        assert json.loads(line)["d"] not in advice


class TestBrokenProject:
    def test_can_make_the_key_that_it_lacks(self) -> None:
        """The command does not stop at the check that asks for it; every other one does."""
        broken = {"TOKENAUTH_SIGNING_KEYS": ["not a key"]}
        assert json.loads(run_in_project("tokenauth_key", broken).stdout)["kty"] == "EC"
        assert "tokenauth.E021" in run_in_project("check", broken).stderr
