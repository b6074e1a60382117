"""The forms of revoking: why, whose, and which of theirs. Nothing in them is believed twice.

What a question was about comes back with its answer, in hidden fields, and is read and judged anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db import router
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth.admin.display import STAFF_REASONS, plain
from tokenauth.admin.readonly import as_uuid
from tokenauth.audit import holds_token
from tokenauth.models import RevokedReason
from tokenauth.networks import Network, as_network

__all__ = ["EVERYONE", "MAX_SELECTED", "ManyForm", "RevokeForm", "UsersForm", "as_key"]

MAX_SELECTED = 500
"""So many rows may be selected at once: the question lists each, and a form has 1,000 fields."""

EVERYONE = frozenset({"network", "group", "everyone"})
"""The choices that need the permission to revoke the sessions of everyone."""

_YEARS = range(1970, 9000)


class RevokeForm(forms.Form):
    """Why the sessions end.

    Args:
        own: whether sessions of whoever asks are among them, and are to be ticked for it.
        ticked: whether they are ticked at first.
        sure: whether a second confirmation is asked for.
    """

    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[*STAFF_REASONS.items()],
        initial=RevokedReason.ADMIN,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For other staff: kept with the session and in the history."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    own = forms.BooleanField(
        label=gettext_lazy("End my own sessions too"),
        required=False,
        help_text=gettext_lazy("Without it, the sessions of your own account are left alone."),
    )
    sure = forms.BooleanField(
        label=gettext_lazy("Yes, sign out everyone"),
        help_text=gettext_lazy("Every user has to log in again, on every device."),
    )

    def __init__(
        self, data: Any = None, *, own: bool = False, ticked: bool = False, sure: bool = False
    ) -> None:
        super().__init__(data, initial={"own": ticked})
        for name, wanted in (("own", own), ("sure", sure)):
            if not wanted:
                del self.fields[name]

    @property
    def includes_own(self) -> bool:
        """Whether the box is ticked: as answered, or as it is shown at first."""
        if "own" not in self.fields:
            return False
        return bool(self["own"].value())

    def clean_note(self) -> str:
        """Return the note as one printable line.

        Raises:
            ValidationError: it holds a token.
        """
        note = plain(self.cleaned_data["note"])
        if holds_token(note):
            raise ValidationError(_("That is a token. Name a session by its id."))
        return note


class UsersForm(forms.Form):
    """Users by their keys, and which of their sessions to leave: filled in by links and actions."""

    user = forms.CharField(required=False)
    keep = forms.CharField(required=False)
    newest = forms.BooleanField(required=False)

    def clean_user(self) -> list[Any]:
        """Return the users, as they are in the database that users are written to.

        Raises:
            ValidationError: none of them is there, or they are too many.
        """
        data: Any = self.data
        keys = data.getlist("user")
        if len(keys) > MAX_SELECTED:
            text = _("Please select at most %(count)d users.")
            raise ValidationError(text % {"count": MAX_SELECTED})
        model: Any = get_user_model()
        try:
            known = [as_key(model._meta.pk, text) for text in keys]
        except ValidationError:
            known = []
        # Who is a superuser is decided by the rows that are written to, not by a replica.
        users = model._base_manager.using(router.db_for_write(model)).filter(pk__in=known)
        found = list(users.order_by("pk"))
        if not found:
            raise ValidationError(_("There is no such user."))
        return found

    def clean_keep(self) -> list[Any]:
        """Return the ids of the sessions to leave.

        Raises:
            ValidationError: one is no id.
        """
        data: Any = self.data
        keys = [as_uuid(text) for text in data.getlist("keep")]
        if None in keys:
            raise ValidationError(_("There is no such session."))
        return keys


def as_key(field: Any, text: str) -> Any:
    """Return the key that ``text`` spells, if a database would take it.

    Raises:
        ValidationError: it would not: no number, one that is too large, or a NUL.
    """
    ProhibitNullCharactersValidator()(text)
    key = field.to_python(text)
    field.run_validators(key)
    return key


class ManyForm(forms.Form):
    """Whose sessions are to end, and since when.

    Args:
        everyone: whether whoever asks may revoke the sessions of everyone.
    """

    what = forms.ChoiceField(
        label=gettext_lazy("Whose sessions"),
        choices=[
            ("user", gettext_lazy("of one user")),
            ("network", gettext_lazy("from one address or network")),
            ("group", gettext_lazy("of the members of a group")),
            ("everyone", gettext_lazy("of everyone")),
        ],
        widget=forms.RadioSelect,
        initial="user",
    )
    name = forms.CharField(
        label=gettext_lazy("User"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("What the user logs in with."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    network = forms.CharField(
        label=gettext_lazy("Address or network"),
        required=False,
        max_length=64,
        help_text=gettext_lazy(
            "For example 192.0.2.7, 10.1.0.0/16 or 2001:db8::/32. It is looked for where a session "
            "began and where it was last seen."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    group = forms.ModelChoiceField(
        label=gettext_lazy("Group"), required=False, queryset=Group.objects.none()
    )
    before = forms.DateTimeField(
        label=gettext_lazy("Not before"),
        required=False,
        help_text=gettext_lazy(
            "Only sessions that began before this time, for example 2025-12-31 18:00. Empty: all."
        ),
        widget=forms.DateTimeInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, everyone: bool) -> None:
        super().__init__(data)
        fields: Any = self.fields
        fields["group"].queryset = Group.objects.using(router.db_for_write(Group)).order_by("name")
        offered = [pair for pair in fields["what"].choices if everyone or pair[0] not in EVERYONE]
        has_groups = hasattr(get_user_model(), "groups")
        fields["what"].choices = [pair for pair in offered if pair[0] != "group" or has_groups]
        names = {name for name, _label in fields["what"].choices}
        for name in {"network", "group"} - names:
            del fields[name]

    def clean_name(self) -> Any:
        """Return the user of this name, or ``None`` if none was given.

        Raises:
            ValidationError: there is none.
        """
        name = self.cleaned_data["name"]
        if not name:
            return None
        model: Any = get_user_model()
        users = model._base_manager.using(router.db_for_write(model))
        user = users.filter(**{model.USERNAME_FIELD: name}).first()
        if user is None:
            raise ValidationError(_("There is no such user."))
        return user

    def clean_before(self) -> datetime | None:
        """Return the time, or ``None`` if none was given.

        Raises:
            ValidationError: a day so far off that in other time zones it does not exist.
        """
        before: datetime | None = self.cleaned_data["before"]
        if before is not None and before.year not in _YEARS:
            raise ValidationError(_("Please give a time between the years 1970 and 9000."))
        return before

    def clean_network(self) -> Network | None:
        """Return the network, or ``None`` if none was given.

        Raises:
            ValidationError: it is neither an address nor a network.
        """
        text = self.cleaned_data["network"]
        network = as_network(text)
        if text and network is None:
            raise ValidationError(_("That is neither an address nor a network."))
        return network

    def clean(self) -> dict[str, Any]:
        """Require what was chosen."""
        cleaned: dict[str, Any] = self.cleaned_data
        field = {"user": "name"}.get(cleaned.get("what", ""), cleaned.get("what", ""))
        if field in self.fields and not self.errors.get(field) and not cleaned.get(field):
            self.add_error(field, _("Please fill this in, or choose something else above."))
        return cleaned
