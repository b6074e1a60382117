#!/usr/bin/env python3
"""Follow the README's steps in a new project, log in, and test it by the pytest plugin.

    .ci/empty_project.py README.md DIRECTORY

Run it with the Python that the wheel, pytest and pytest-django are installed in. The Python blocks
below the README's heading "Add it to your project" go to the end of the project's settings if they
assign, and of its URLs if they import.
"""

import re
import subprocess
import sys
from pathlib import Path

HEADING = re.compile(r"^#+ .*add it to your project.*$", re.IGNORECASE | re.MULTILINE)
LOGIN = """
from django.contrib.auth import get_user_model
from django.test import Client

get_user_model().objects.create_user("ada", password="correct horse battery")
client = Client(SERVER_NAME="localhost")
login = client.post(
    "/auth/login/",
    {"username": "ada", "password": "correct horse battery"},
    content_type="application/json",
)
assert login.status_code == 200, (login.status_code, login.content)
bearer = {"Authorization": "Bearer " + login.json()["access"]}
me = client.get("/auth/me/", headers=bearer)
assert me.json()["user"]["username"] == "ada", (me.status_code, me.content)
assert client.post("/auth/refresh/", content_type="application/json").status_code == 200
assert client.post("/auth/logout/", content_type="application/json").status_code == 204
assert client.get("/auth/me/", headers=bearer).status_code == 401
print("logged in and out of an empty project")
"""
TEST = """
def test_me(tokenauth_client, django_user_model):
    client = tokenauth_client(django_user_model.objects.create_user("ada"))
    assert client.get("/auth/me/").json()["user"]["username"] == "ada"
"""


def blocks(readme: str) -> list[str]:
    """Return the Python blocks of the README's chapter."""
    heading = HEADING.search(readme)
    if not heading:
        raise SystemExit('the README has no chapter "Add it to your project"')
    level = heading[0].index(" ")
    chapter = readme[heading.end() :]
    if end := re.search(rf"^#{{1,{level}}} ", chapter, re.MULTILINE):
        chapter = chapter[: end.start()]
    return re.findall(r"^```python\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)


def main(readme: str, directory: str) -> None:
    """Make the project, change it as the README says, and log in."""
    steps = blocks(Path(readme).read_text())
    root = Path(directory)
    root.mkdir()

    def run(*command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=root, check=True)

    run("-m", "django", "startproject", "project", ".")
    for step in steps:
        target = "urls.py" if "urlpatterns" in step else "settings.py"
        with (root / "project" / target).open("a") as file:
            file.write(f"\n{step}")
    run("manage.py", "check")
    run("manage.py", "migrate", "--verbosity", "0")
    run("manage.py", "shell", "--command", LOGIN)
    (root / "test_me.py").write_text(TEST)
    run("-m", "pytest", "--quiet", "--ds=project.settings", "test_me.py")


if __name__ == "__main__":
    main(*sys.argv[1:])
