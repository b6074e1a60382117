"""Who is in the seeded project, and what they use."""

__all__ = [
    "CHROME_MAC",
    "CUSTOMERS",
    "DEVICES",
    "FIREFOX",
    "HOSTILE",
    "IPAD",
    "IPHONE",
    "LONG_NAME",
    "PAIRS",
    "PASSWORD",
    "STAFF",
    "TO_DELETE",
]

PASSWORD = "correct horse battery"

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME_MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS")
EDGE = CHROME_MAC.replace("Macintosh; Intel Mac OS X 10_15_7", "Windows NT 10.0; Win64; x64") + (
    " Edg/142.0.0.0"
)

# User agent, what the user calls it, and the client.
DEVICES = [
    (FIREFOX, "", "browser"),
    (FIREFOX, "Office", "browser"),
    (CHROME_MAC, "", "browser"),
    (CHROME_MAC, "MacBook", "browser"),
    (EDGE, "", "browser"),
    (ANDROID, "Phone", "app"),
    (ANDROID, "", "app"),
    (IPHONE, "", "app"),
    (IPHONE, "My iPhone", "app"),
    (IPAD, "Kitchen", "app"),
]

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'\u202egnp.exe"
LONG_NAME = "maria.magdalena.von.und.zu.hohenstein-wittgenstein_" * 2

TO_DELETE = ("leaving-stock", "leaving-unfold", "out-stock", "out-unfold")
"""Users that tests delete, or sign out everywhere, one for each theme."""

PAIRS = tuple(
    f"{act}-{theme}" for act in ("users", "others", "before") for theme in ("stock", "unfold")
)
"""Users with two sessions each, "Old" of a week ago and "New": one for each act and theme."""

CUSTOMERS = [
    *(
        (name, f"{name}@example.com")
        for name in (
            *("ada", "grace", "linus", "margaret", "barbara", "katherine", "radia", "edsger"),
            *("alan", "hedy", "annie", "frances", "donald", "tim", "vint", "sophie", "dennis"),
            *("shafi", "karen", "niklaus", "mallory"),
            *TO_DELETE,
        )
    ),
    (LONG_NAME, "maria@example.com"),
]

_VIEW = ("view_authsession", "view_authevent", "view_user")
STAFF = {
    "viewer": _VIEW,
    "helper": (*_VIEW, "revoke_authsession"),
    "guardian": (*_VIEW, "revoke_authsession", "revoke_everyone_authsession"),
    "clerk": ("view_user", "delete_user"),
}
