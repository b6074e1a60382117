"""The README's lines work as written."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.demo.server import ROOT, Demo

README = (ROOT / "README.md").read_text()


def chapter(title: str) -> str:
    """Return the text of one chapter of the README."""
    found = re.search(rf"^## {title}$(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no chapter {title!r}"
    return found[1]


def endpoint_script() -> str:
    """Return the shell lines of the chapter about the endpoints, in their order."""
    lines = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return "\n".join(lines.findall(chapter("The endpoints")))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Run the lines against a demo, in one shell, as a reader would."""
    curl = shutil.which("curl")
    assert curl, "install curl: the README's examples use it"
    directory: Path = tmp_path_factory.mktemp("readme")
    demo = Demo(directory)
    demo.install()
    with demo.serve() as address:
        script = endpoint_script().replace("http://127.0.0.1:8000", address)
        return subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def test_curl_lines_work_as_written(run: subprocess.CompletedProcess[str]):
    """Login to logout, every line of the chapter succeeds."""
    assert run.returncode == 0, run.stderr


def test_curl_lines_show_every_endpoint():
    """Each path of the package has a line."""
    script = endpoint_script()
    for path in (
        "login/",
        "refresh/",
        "logout/",
        "reauthenticate/",
        "me/",
        "sessions/",
        "$SID/",
        "sessions/revoke/",
    ):
        assert f"/auth/{path}" in script or path in script, path


def test_curl_lines_end_with_no_session_left(run: subprocess.CompletedProcess[str]):
    """The lines clean up behind themselves: the last revocation found the other one ended."""
    assert '{"revoked":0}' in run.stdout


def test_every_setting_is_in_the_table():
    """The table of settings names each one that the code reads."""
    source = "".join(path.read_text() for path in (ROOT / "tokenauth" / "conf").glob("*.py"))
    settings = set(re.findall(r'_read\(\s*"([A-Z_]+)"', source))
    table = chapter("Settings")
    shown = {name.removeprefix("REFRESH_COOKIE") for name in settings}
    assert settings
    assert not [name for name in shown if name not in table]
