"""Settings of the server that the storm hits: the demo's, with a page and an echo of its own.

Whoever logs in with ``client: "hasty"`` gets access tokens that expire while one waits for it.
"""

from datetime import timedelta

from demo_project import settings as demo

globals().update({name: getattr(demo, name) for name in dir(demo) if name.isupper()})

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "tests.browser.urls"
INSTALLED_APPS = ["tests.browser", *demo.INSTALLED_APPS]
# Counted as anywhere, and not reached: all browsers of a storm are at one address.
TOKENAUTH_THROTTLE_RATES = dict.fromkeys(("refresh", "session", "refused"), "1000000/min")
TOKENAUTH_CLIENTS = {
    "browser": {"transport": "cookie"},
    "hasty": {"transport": "cookie", "access_lifetime": timedelta(seconds=2)},
}
