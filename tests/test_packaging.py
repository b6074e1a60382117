import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = {".py", ".typed", ".html", ".txt", ".css", ".js", ".ts", ".po", ".mo", ".svg"}
AUTO_FIELDS = ["AutoField", "SmallAutoField", "BigAutoField"]
PENDING = """
from tests import settings
settings.DEFAULT_AUTO_FIELD = "django.db.models.{field}"
settings.DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
import django
django.setup()
from django.core.management import call_command
call_command("makemigrations", "tokenauth", check=True, dry_run=True)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """Build the wheel."""
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", target],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = target.glob("django_tokenauth-*.whl")
    return ZipFile(path)


class TestWheel:
    def test_holds_the_package_and_nothing_else(self, wheel: ZipFile) -> None:
        """Neither tests nor the demo are installed into a project."""
        tops = {name.partition("/")[0] for name in wheel.namelist()}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"tokenauth"}

    def test_holds_every_file_of_the_package(self, wheel: ZipFile) -> None:
        """Modules, templates, static files, translations and py.typed are all there."""
        files = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "tokenauth").rglob("*")
            if path.suffix in DATA or path.name == "py.typed"
        }
        assert "tokenauth/py.typed" in files
        assert files <= set(wheel.namelist())

    def test_holds_the_licence(self, wheel: ZipFile) -> None:
        """The licence travels with the code."""
        assert any(name.endswith("/LICENSE") for name in wheel.namelist())

    def test_offers_its_fixtures_to_pytest(self, wheel: ZipFile) -> None:
        """A project's tests have them as soon as the wheel is installed."""
        (name,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
        assert wheel.read(name).decode().split("\n\n")[0].splitlines() == [
            "[pytest11]",
            "tokenauth = tokenauth.pytest_plugin",
        ]

    def test_has_the_version_of_the_project(self, wheel: ZipFile) -> None:
        """The version stands in pyproject.toml and nowhere else."""
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert f"django_tokenauth-{version}" in str(wheel.filename)


class TestMigrations:
    @pytest.mark.parametrize("field", AUTO_FIELDS)
    def test_none_is_missing_under_any_default_auto_field(self, field: str) -> None:
        """A project's DEFAULT_AUTO_FIELD never makes it write a migration into the package."""
        done = subprocess.run(
            [sys.executable, "-c", PENDING.format(field=field)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout.strip()) == (
            0,
            "No changes detected in app 'tokenauth'",
        )
