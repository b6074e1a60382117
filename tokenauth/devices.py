"""What a client runs on, by what it calls itself: "Firefox on Windows", a desktop.

The patterns are those of ua-parser, which is kept up with the browsers. What comes out is the
client's own word: a help for recognising a device, never proof of it, and no decision reads it.

Browsers tell less than they used to: iPads call themselves Macs unless their user asks for the
mobile site, and a television with Android reads as a tablet.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from tokenauth.models import MAX_DEVICE, MAX_USER_AGENT, DeviceKind
from tokenauth.texts import clean

if TYPE_CHECKING:
    from ua_parser import Result

__all__ = ["UNKNOWN", "Device", "describe", "describe_label"]

_CACHED = 1024
# RFC 9110 section 10.1.5: a user agent begins with the name of a product.
_PRODUCT = re.compile(r"[!#$%&'*+.^_`|~\w-]+", re.ASCII)
_BROWSERS_BEGIN_WITH = frozenset({"Mozilla", "Opera"})
_BESIDE_A_BROWSERS_NAME = frozenset({"Mobile", "iOS"})
_BROWSERS = {"Mobile Safari UI/WKWebView": "WebView"}
_SYSTEMS = {"Mac OS X": "macOS", "Chrome OS": "ChromeOS"}
_HANDHELDS = {
    "iPad": DeviceKind.TABLET,
    "iPhone": DeviceKind.PHONE,
    "iPod": DeviceKind.PHONE,
}
# Android's browsers say "Mobile" on phones and leave it out on tablets, as Google asks of them.
_MOBILE = re.compile(r"\bMobile\b")

logger = logging.getLogger("tokenauth.devices")


@dataclass(frozen=True, slots=True)
class Device:
    """What a user agent says about where it runs.

    Attributes:
        label: a short name without a version, such as ``Firefox on Windows``, in one printable
            line; empty if nothing is known.
        kind: a value of :class:`tokenauth.models.DeviceKind`; empty if nothing is known.
    """

    label: str = ""
    kind: str = ""


UNKNOWN = Device()


def describe(user_agent: str) -> Device:
    """Return what a user agent says about its device; it never raises.

    Args:
        user_agent: anything at all; what is longer than is stored is cut off.
    """
    return _describe(user_agent[:MAX_USER_AGENT])


def describe_label(label: str) -> str:
    """Return a label of :func:`describe` in the reader's language, as one printable line."""
    browser, between, system = clean(label, len(label)).rpartition(" on ")
    if not between:
        return system
    return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}


@lru_cache(maxsize=_CACHED)
def _describe(user_agent: str) -> Device:
    product = _PRODUCT.match(user_agent)
    if product is None:
        return UNKNOWN
    try:
        # Here, because it compiles a thousand patterns: 0.1 s that only the first look-up pays.
        from ua_parser import parse  # noqa: PLC0415

        found = parse(user_agent)
    except Exception:
        logger.exception("a user agent could not be read")
        return UNKNOWN
    is_browser = product[0] in _BROWSERS_BEGIN_WITH
    name = _browser(found) if is_browser else product[0]
    label = clean(_join(name, _system(found)), MAX_DEVICE)
    if not label:
        return UNKNOWN
    return Device(label, _kind(found, user_agent, is_browser=is_browser).value)


def _join(name: str, system: str) -> str:
    if not name or name == system:
        return system
    return f"{name} on {system}" if system else name


def _browser(found: Result) -> str:
    family = found.user_agent.family if found.user_agent else ""
    words = (word for word in family.split() if word not in _BESIDE_A_BROWSERS_NAME)
    return _BROWSERS.get(family) or " ".join(words)


def _system(found: Result) -> str:
    if found.device and found.device.family in _HANDHELDS:
        return found.device.family
    family = found.os.family if found.os else ""
    return _SYSTEMS.get(family, family)


def _kind(found: Result, user_agent: str, *, is_browser: bool) -> DeviceKind:
    device = found.device.family if found.device else ""
    if device in _HANDHELDS:
        return _HANDHELDS[device]
    if not is_browser or found.os is None:
        return DeviceKind.OTHER
    if _MOBILE.search(user_agent):
        return DeviceKind.PHONE
    if found.os.family == "Android":
        return DeviceKind.TABLET
    # What it knows as a device of its own is a console, a television, a watch or a robot.
    return DeviceKind.DESKTOP if device in {"", "Mac"} else DeviceKind.OTHER
