"""What a system check says.

Each module has its problems at the top. Numbers are kept for ever: projects name them in
``SILENCED_SYSTEM_CHECKS``. The tens are subjects; ``E`` stops the server, ``W`` does not. No
message holds the value of a key or of a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name for it

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that can be wrong.

    Attributes:
        number: its id, without the app's label.
        text: what is wrong, with ``{names}`` to be filled in.
        hint: what to do about it, likewise.
    """

    number: str
    text: str
    hint: str

    def found(self, **facts: Any) -> CheckMessage:
        """Return the message for one place where it was found."""
        level = Error if self.number.startswith("E") else Warning
        hint = self.hint.format(**facts)
        return level(self.text.format(**facts), hint=hint, id=f"tokenauth.{self.number}")
