"""Settings of the seeded project: the demo's, with a strict policy for its pages.

The environment chooses what varies:

``CONSOLE_THEME``
    ``unfold`` installs django-unfold before Django's admin.
``CONSOLE_NOW``
    The time that the package sees, for screenshots that can be repeated. Empty: the real time.
``CONSOLE_ACCESS_CHECK``
    ``TOKENAUTH_ACCESS_TOKEN_CHECK``.
"""

from datetime import datetime

from demo_project import settings as demo
from tokenauth import system

globals().update({name: getattr(demo, name) for name in dir(demo) if name.isupper()})

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIDDLEWARE = ["tests.console_browser.policy.StrictPolicy", *demo.MIDDLEWARE]
INSTALLED_APPS = demo.INSTALLED_APPS

if demo.env.str("CONSOLE_THEME", default="") == "unfold":
    INSTALLED_APPS = ["unfold", *INSTALLED_APPS]

if check := demo.env.str("CONSOLE_ACCESS_CHECK", default=""):
    TOKENAUTH_ACCESS_TOKEN_CHECK = check

if frozen := demo.env.str("CONSOLE_NOW", default=""):
    _now = datetime.fromisoformat(frozen)
    system.now = lambda: _now
