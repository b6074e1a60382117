"""docs/deployments.md prints what the tests of this folder run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployments.pages import POLICY
from tests.deployments.server import environment
from tests.deployments.sites import DEPLOYMENTS
from tests.processes import ROOT

PAGE = (ROOT / "docs" / "deployments.md").read_text()
PROJECTS = Path(__file__).parent / "projects"
MARK = "# docs/deployments.md\n"
BLOCKS = dict(re.findall(r"^<!-- (\w+) -->\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
IN_PRODUCTION = sorted(BLOCKS.keys() - {"laptop"})


def documented() -> dict[str, str]:
    """Return the lines of each project that the page has to print."""
    sources = {path.stem: path.read_text() for path in PROJECTS.glob("*.py")}
    return {
        name: source.partition(MARK)[2].strip("\n") + "\n"
        for name, source in sources.items()
        if MARK in source
    }


def test_the_settings_are_those_that_run():
    """Line by line, and none is missing."""
    assert documented() == BLOCKS


@pytest.mark.parametrize("name", ["same origin", "same site"])
def test_the_policy_is_the_one_that_is_sent(name):
    """The whole header."""
    deployment = DEPLOYMENTS[name]
    api = "" if deployment.api == deployment.app else deployment.api
    policy = POLICY.format(api=api).replace(" ;", ";")
    assert f"    Content-Security-Policy: {policy}\n" in PAGE


SHARED_CACHE = "rediscache://127.0.0.1:6379/0"
"""Of all processes, as the checks want it; they do not connect."""


@pytest.mark.parametrize("project", IN_PRODUCTION)
def test_deploy_checks_are_clean(project, tmp_path):
    """With these settings tokenauth has nothing to say."""
    command = ["check", "--deploy", "--tag=tokenauth", "--fail-level=WARNING"]
    done = subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=ROOT,
        env=environment(project, tmp_path / "db.sqlite3") | {"CACHE_URL": SHARED_CACHE},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
