"""Settings that keep tokens and passwords out of Sentry. See sentry.md."""  # noqa: INP001 - docs

from typing import Any

from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

NAMES = (
    *("access", "refresh", "raw", "refresh_token", "access_token", "seed"),
    *("__Secure-tokenauth-refresh", "__Host-Http-tokenauth-refresh", "tokenauth-refresh"),
    *("__Host-Http-tokenauth-access", "tokenauth-access"),
    *("__Secure-tokenauth-step", "__Host-Http-tokenauth-step", "tokenauth-step", "challenge"),
)


def event_scrubber() -> EventScrubber:
    """Return a scrubber that masks these names too, also inside of other values."""
    return EventScrubber(denylist=[*DEFAULT_DENYLIST, *NAMES], recursive=True)


def _frames(error: Any) -> list[Any]:
    stack = error.get("stacktrace") or {}
    return list(stack.get("frames", []))


def before_send(event: Any, _hint: Any) -> Any:
    """Drop the local variables of a stack that passed through tokenauth, or its endpoints' forms.

    There a password is also called ``data`` or ``value``, or is part of a serializer's ``repr()``.
    """
    errors = event.get("exception", {}).get("values", [])
    frames = [frame for error in errors for frame in _frames(error)]
    if any((frame.get("module") or "").startswith("tokenauth.") for frame in frames):
        for frame in frames:
            frame.pop("vars", None)
    return event
