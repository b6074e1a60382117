"""Starting the project of the tests in processes of their own, with settings of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """Return the environment of a process in the project that has these settings."""
    own = {
        "DJANGO_SETTINGS_MODULE": "tests.env_settings",
        "TOKENAUTH_TEST_SETTINGS": json.dumps(settings),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **own}


def run_in_project(command: str, settings: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run a management command of the project that has these settings."""
    return subprocess.run(
        [sys.executable, "-m", "django", command],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
