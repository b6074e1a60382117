"""Projects with other packages around ours, each in a process of its own: tests/examples."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

EXAMPLES = {"allauth_social": 14, "allauth_totp": 19, "axes": 12, "ldap": 18}
"""How many tests each suite has, so that none passes by not being collected."""


@pytest.mark.req("REQ-09", "REQ-13")
@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str) -> None:
    """Everything in ``tests/examples/<name>/suite.py`` passes under that project's settings."""
    command = [sys.executable, "-m", "pytest", f"tests/examples/{name}/suite.py", "--quiet"]
    # No plug-in of this run may reach into that one.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))
    }
    run = subprocess.run(
        [*command, f"--ds=tests.examples.{name}.settings", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{EXAMPLES[name]} passed" in run.stdout
