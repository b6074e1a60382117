"""`manage.py demo_setup`: the two users of the demo, and where to go."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Create `demo`/`demo` and the superuser `admin`/`admin`; safe to run again."""

    help = "Create the users demo/demo and admin/admin, and print where to go. Only under DEBUG."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Create or repair both users; raises CommandError unless DEBUG is on."""
        if not settings.DEBUG:
            raise CommandError("Known passwords are for DEBUG only: no users were created.")
        ensure_user("demo", email="demo@example.com", superuser=False)
        ensure_user("admin", email="admin@example.com", superuser=True)
        port = settings.PORT  # type: ignore[misc]  # mypy reads the settings of the tests
        page = f"http://127.0.0.1:{port}/"
        self.stdout.write(
            f"\n  Page   {page}        log in as demo / demo"
            f"\n  Admin  {page}admin/  log in as admin / admin\n\n"
        )


def ensure_user(username: str, *, email: str, superuser: bool) -> None:
    """Make sure that `username` exists, is active and has its own name as its password."""
    user, _ = User.objects.get_or_create(username=username, defaults={"email": email})
    user.is_active = True
    user.is_staff = user.is_superuser = superuser
    # A new hash of the same password has a new salt, and would end every session of the user.
    if not user.check_password(username):
        user.set_password(username)
    user.save()
