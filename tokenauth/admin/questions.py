"""What a question about many sessions is about, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tokenauth import system
from tokenauth.admin.display import plain
from tokenauth.sessions import Target

__all__ = ["Question", "asked_at", "describe_many", "describe_users", "hidden_fields"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about.

    Attributes:
        target: which sessions, those of whoever asks among them.
        what: the same in words.
        back: the address of "no", and where the answer leads.
        hidden: what the answer brings back, as pairs of names and values.
        users: those who are named.
        left_alone: names of superusers among them, whose sessions stay.
    """

    target: Target
    what: str
    back: str
    hidden: list[tuple[str, str]]
    users: tuple[Any, ...] = ()
    left_alone: tuple[str, ...] = ()


def asked_at(data: QueryDict) -> datetime:
    """Return when the question was asked; now, if it has not been.

    Raises:
        BadRequest: the time was tampered with.
    """
    text, now = data.get("asked_at"), system.now()
    if not text:
        return now
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None or time > now:
            raise BadRequest
        return time.astimezone(UTC)  # which the first and the last day of all may not be in
    except (ValueError, OverflowError):
        raise BadRequest from None


def hidden_fields(data: QueryDict, names: tuple[str, ...], time: datetime) -> list[tuple[str, str]]:
    """Return what the answer has to bring back, as pairs of names and values.

    Args:
        data: what was asked with.
        names: of the fields that matter.
        time: when it was asked.
    """
    names = tuple(name for name in names if name not in {"asked_at", "csrfmiddlewaretoken"})
    pairs = [(name, text) for name in names for text in data.getlist(name) if text]
    return [*pairs, ("asked_at", time.isoformat())]


def describe_users(users: tuple[Any, ...], *, but_newest: bool, but_one: bool) -> str:
    """Return whose sessions are meant, in words.

    Args:
        users: at least one.
        but_newest: the newest of each stays.
        but_one: one of the one user's stays.
    """
    count = len(users)
    if but_newest:
        text = ngettext(
            "All sessions of %(count)d user but the newest",
            "All sessions of %(count)d users but the newest of each",
            count,
        )
        return text % {"count": count}
    if count == 1:
        text = _("All sessions of %(user)s but one") if but_one else _("All sessions of %(user)s")
        return text % {"user": plain(users[0].get_username())}
    text = ngettext("All sessions of %(count)d user", "All sessions of %(count)d users", count)
    return text % {"count": count}


def describe_many(chosen: dict[str, Any]) -> str:
    """Return which sessions were chosen, in words.

    Args:
        chosen: the cleaned data of a :class:`~tokenauth.admin.forms.ManyForm`.
    """
    what, before = chosen["what"], chosen["before"]
    phrases = {
        ("user", False): _("All sessions of %(user)s"),
        ("user", True): _("All sessions of %(user)s that began before %(before)s"),
        ("network", False): _("All sessions from %(network)s"),
        ("network", True): _("All sessions from %(network)s that began before %(before)s"),
        ("group", False): _("All sessions of members of %(group)s"),
        ("group", True): _("All sessions of members of %(group)s that began before %(before)s"),
        ("everyone", False): _("All sessions of everyone"),
        ("everyone", True): _("All sessions of everyone that began before %(before)s"),
    }
    names = {
        "user": plain(chosen["name"].get_username()) if chosen["name"] else "",
        "network": str(chosen.get("network") or ""),
        "group": plain(str(chosen.get("group") or "")),
        "before": date_format(before, "DATETIME_FORMAT") if before else "",
    }
    return phrases[what, bool(before)] % names
