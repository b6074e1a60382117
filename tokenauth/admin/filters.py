"""What the list of sessions is narrowed by, and what every filter by a choice has in common.

No filter reads the table for its choices, and none counts.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth import system
from tokenauth.admin.display import STAFF_REASONS, describe_reason
from tokenauth.admin.periods import CreatedFilter, beginning
from tokenauth.conf import config
from tokenauth.database import write_alias
from tokenauth.models import DeviceKind, RevokedReason
from tokenauth.selection import State, has_column, in_state, not_seen_since, seen_since
from tokenauth.suspicion import Suspicion, where_suspicious

__all__ = [
    "FILTERS",
    "PARAMETERS",
    "ChoiceFilter",
    "ClientFilter",
    "DeviceKindFilter",
    "NewDeviceFilter",
    "ReasonFilter",
    "SeenFilter",
    "StaffFilter",
    "StatusFilter",
    "SuspiciousFilter",
]

MAX_STAFF = 1000
"""So many members of staff are looked for at most."""


class ChoiceFilter(admin.SimpleListFilter):
    """A choice of values; one that is not among them is ignored, as Django ignores it."""

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the rows of the chosen value."""
        raise NotImplementedError  # a filter that forgot it must not show every session

    def accepts(self, value: str) -> bool:
        """Whether an address may hold this value."""
        return value in {str(code) for code, _label in self.lookup_choices}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the chosen value; all, if none was chosen."""
        value = self.value()
        return self.narrow(queryset, value) if value and self.accepts(value) else queryset


class StatusFilter(ChoiceFilter):
    """Active, ended by time in one of two ways, or revoked."""

    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states."""
        return list(State.choices)

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions in the chosen state."""
        return in_state(rows, value, system.now())


class SeenFilter(ChoiceFilter):
    """By the last use."""

    title = gettext_lazy("last seen")
    parameter_name = "seen"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return spans of time, some of them of silence."""
        return [
            ("today", _("today")),
            ("7", _("in the last 7 days")),
            ("30", _("in the last 30 days")),
            ("not7", _("not for 7 days")),
            ("not14", _("not for 14 days")),
        ]

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions that were used, or not used, in the span."""
        if value.startswith("not"):
            return not_seen_since(rows, beginning(value.removeprefix("not")))
        return seen_since(rows, beginning(value))


class ClientFilter(ChoiceFilter):
    """By client, as configured; the address may name one that no longer is."""

    title = gettext_lazy("client")
    parameter_name = "client"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the names of ``TOKENAUTH_CLIENTS``."""
        return [(name, name) for name in config.clients]

    def accepts(self, value: str) -> bool:
        """Whether it is one printable line; a database refuses some of the others."""
        return value.isprintable()

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions of the chosen client."""
        return rows.filter(client=value)


class DeviceKindFilter(ChoiceFilter):
    """By what the session runs on."""

    title = gettext_lazy("kind of device")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the kinds."""
        return list(DeviceKind.choices)

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions on the chosen kind."""
        return rows.filter(device_kind=value)


class StaffFilter(ChoiceFilter):
    """The sessions of members of staff, where the project's users have a column that says so."""

    title = gettext_lazy("staff")
    parameter_name = "staff"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice; none, and no filter, if no column says who is staff."""
        return [("yes", _("members of staff"))] if has_column("is_staff") else []

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions of staff, who are looked up first: they are few."""
        users = get_user_model()._base_manager.using(write_alias()).filter(is_staff=True)
        return rows.filter(user_id__in=list(users.values_list("pk", flat=True)[:MAX_STAFF]))


class NewDeviceFilter(ChoiceFilter):
    """Logins on a device that the user had not used before."""

    title = gettext_lazy("new device")
    parameter_name = "new"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice."""
        return [("yes", _("new for the user"))]

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions on a new device."""
        return rows.filter(new_device=True)


class SuspiciousFilter(ChoiceFilter):
    """What staff should look at."""

    title = gettext_lazy("suspicious")
    parameter_name = "suspicious"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the reasons to look, and any of them."""
        return [("any", _("for any reason")), *Suspicion.choices]

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions to look at for the chosen reason."""
        return where_suspicious(rows, None if value == "any" else value)


class ReasonFilter(ChoiceFilter):
    """By the reason of a revocation; the address may name one that the project made up."""

    title = gettext_lazy("reason of revocation")
    parameter_name = "revoked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the reasons of this package; a project's own are found on the page."""
        codes = [code for name, code in vars(RevokedReason).items() if name.isupper()]
        return [
            ("no", _("not revoked")),
            *((code, describe_reason(code)) for code in dict.fromkeys([*codes, *STAFF_REASONS])),
        ]

    def accepts(self, value: str) -> bool:
        """Whether it is one printable line; a database refuses some of the others."""
        return value.isprintable()

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the sessions that were revoked so."""
        if value == "no":
            return rows.filter(revoked_at__isnull=True)
        # The first is implied, and is the condition of the index.
        return rows.filter(revoked_at__isnull=False, revoked_reason=value)


FILTERS: tuple[type[admin.ListFilter], ...] = (
    StatusFilter,
    SuspiciousFilter,
    SeenFilter,
    CreatedFilter,
    ClientFilter,
    DeviceKindFilter,
    NewDeviceFilter,
    StaffFilter,
    ReasonFilter,
)
"""The filters, in the order of the page."""

PARAMETERS = frozenset(
    [str(kind.parameter_name) for kind in FILTERS if issubclass(kind, ChoiceFilter)]
) | frozenset(CreatedFilter.names())
"""The names in the address that they read."""
