"""The further facts of an event, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tokenauth.admin.display import plain

__all__ = ["describe_detail"]

_PAIRS = (
    (
        ("presented", "current"),
        _("generation %(presented)s was presented, the current one was %(current)s"),
    ),
    (("from", "to"), _("moved forward from generation %(from)s to %(to)s")),
)
_WORDS: Mapping[str, Any] = {
    "bulk": _("one of many, by: %(bulk)s"),
    "client": _("client: %(client)s"),
    "from_device": _("before on: %(from_device)s"),
    "from_ip": _("before at: %(from_ip)s"),
    "kept": _("all but the session %(kept)s"),
    "last_device": _("the session was on: %(last_device)s"),
    "last_ip": _("the session was at: %(last_ip)s"),
    "note": _("note: %(note)s"),
    "run": _("late answers in a row: %(run)s"),
}
_TARGETS: Mapping[str, Any] = {
    "everyone": _("everyone"),
    "group": _("group"),
    "network": _("network"),
    "user": _("user"),
}


def describe_detail(detail: Any) -> str:
    """Return the facts as one line; those that this package does not know by name and value.

    Args:
        detail: of an event, as it was stored.
    """
    if not isinstance(detail, dict):
        return plain(str(detail))
    facts = {str(name): plain(str(value)) for name, value in detail.items()}
    texts = []
    for names, text in _PAIRS:
        if all(name in facts for name in names):
            texts.append(str(text) % facts)
            facts = {name: value for name, value in facts.items() if name not in names}
    if facts.get("bulk") in _TARGETS:
        facts["bulk"] = str(_TARGETS[facts["bulk"]])
    for name in sorted(facts):
        if name == "count" and facts[name].isdecimal():
            count = int(facts[name])
            texts.append(
                ngettext("%(count)d session", "%(count)d sessions", count) % {"count": count}
            )
        elif name in _WORDS:
            texts.append(str(_WORDS[name]) % facts)
        else:
            texts.append(f"{plain(name)}: {facts[name]}")
    return ", ".join(texts)
