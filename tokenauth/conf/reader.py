"""Reading one setting."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.functional import empty

__all__ = ["Reader"]

_plain_getattribute = object.__getattribute__


class Reader:
    """What reads a setting, each time that it is asked for."""

    @staticmethod
    def _read(name: str, default: Any) -> Any:
        # What LazySettings stands for: itself, it makes two exceptions of each setting that is not
        # set, which most are, at every request. Before it is set up, it sets itself up.
        wrapped = _plain_getattribute(settings, "_wrapped")
        return getattr(settings if wrapped is empty else wrapped, f"TOKENAUTH_{name}", default)
