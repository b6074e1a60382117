"""Soft deletion, in a process of its own: the user model cannot be changed within one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.every_database
@pytest.mark.req("REQ-23")
def test_soft_deletion():
    """In a project that hides deleted users in its default manager, they lose their sessions."""
    variables = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0",
         "--ds=tests.settings_soft_delete", "tests/soft_delete/checks.py"],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout
    assert "6 passed" in run.stdout
