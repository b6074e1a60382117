"""The package in a project with a user model of its own: e-mail login and a UUID as key.

AUTH_USER_MODEL is chosen once for each process, so this project gets one of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.every_database
@pytest.mark.req("REQ-117", "REQ-120")
def test_custom_user_model() -> None:
    """Login, refresh, logout, migrations, admin and deletion work: tests/custom_user/suite.py."""
    command = [sys.executable, "-m", "pytest", "tests/custom_user/suite.py", "--quiet"]
    # No plug-in of this run may reach into that one.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))
    }
    run = subprocess.run(
        [*command, "--ds=tests.settings_custom_user", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "18 passed" in run.stdout
