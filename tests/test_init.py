import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.apps import apps as registry

import tokenauth
from tokenauth import access, shortcuts
from tokenauth.exceptions import AccessInvalid

ROOT = Path(__file__).resolve().parent.parent
NAMES = tokenauth.__all__
SETTINGS = """
from tokenauth import login, alogin, verify_access_token
from tests.settings import *
INSTALLED_APPS = ["early", *INSTALLED_APPS]
"""
APP = """
from django.apps import AppConfig
from tokenauth import logout

class EarlyConfig(AppConfig):
    name = "early"
    logout = staticmethod(logout)
"""
USE = """
import asyncio, django
django.setup()
from django.apps import apps
from django.conf import settings
from django.test import RequestFactory
from tokenauth.exceptions import AccessInvalid
import early_settings
for verify in (early_settings.verify_access_token,):
    try:
        verify("junk")
    except AccessInvalid:
        print("verified")
try:
    early_settings.login(RequestFactory().get("/"), None, client="nobody")
except Exception as error:
    print(type(error).__name__)
try:
    asyncio.run(early_settings.alogin(RequestFactory().get("/"), None, client="nobody"))
except Exception as error:
    print(type(error).__name__)
print(apps.get_app_config("early").logout.__name__)
"""


def run(code: str, path: Path, **environment: str) -> list[str]:
    """Run a program in a process of its own; return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=path,
        env={"PYTHONPATH": f"{ROOT}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


class TestBeforeTheAppsAreReady:
    def test_can_be_imported_without_settings(self, tmp_path: Path) -> None:
        """``import tokenauth`` needs no project; a type checker or a docs build has none."""
        assert run("import tokenauth; print(len(tokenauth.__all__))", tmp_path) == [str(len(NAMES))]

    def test_gives_every_function(self, tmp_path: Path) -> None:
        """``from tokenauth import …`` works in a settings module, or in apps.py."""
        code = "from tokenauth import *\nimport tokenauth\n"
        code += "print(*[globals()[name].__name__ for name in tokenauth.__all__])"
        assert run(code, tmp_path) == [" ".join(NAMES)]

    def test_gives_functions_that_work_later(self, tmp_path: Path) -> None:
        """What was imported too early does its work once the apps are ready."""
        (tmp_path / "early_settings.py").write_text(SETTINGS)
        (tmp_path / "early").mkdir()
        (tmp_path / "early" / "__init__.py").touch()
        (tmp_path / "early" / "apps.py").write_text(APP)
        printed = run(USE, tmp_path, DJANGO_SETTINGS_MODULE="early_settings")
        assert printed == ["verified", "UnknownClient", "UnknownClient", "logout"]


class TestWhileTheAppsAreLoading:
    def test_gives_a_function_that_looks_for_the_real_one_when_called(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Models cannot be imported yet, and need not be until then."""
        with monkeypatch.context() as patch:
            patch.setattr(registry, "models_ready", value=False)
            early = tokenauth.verify_access_token
        assert early is not access.verify_access_token
        with pytest.raises(AccessInvalid):
            early("junk")


class TestAfterwards:
    @pytest.mark.parametrize("name", NAMES)
    def test_gives_the_functions_themselves(self, name: str) -> None:
        """Nothing stands between a caller and the function."""
        home: Any = access if hasattr(access, name) else shortcuts
        assert getattr(tokenauth, name) is getattr(home, name)

    @pytest.mark.parametrize("name", NAMES)
    def test_has_an_async_twin_of_every_function(self, name: str) -> None:
        """Each name has one with an a before it, and that is a coroutine function."""
        plain, twin = name.removeprefix("a"), f"a{name.removeprefix('a')}"
        assert {plain, twin} <= set(NAMES)
        assert iscoroutinefunction(getattr(tokenauth, twin))

    def test_has_nothing_else(self) -> None:
        """An unknown name is an AttributeError, as of any module."""
        with pytest.raises(AttributeError, match="sign_in"):
            tokenauth.sign_in  # noqa: B018 - looking is what is tested
