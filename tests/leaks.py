"""Watch every test for secrets in log records and in ``repr()``.

Whatever mints a secret is wrapped once for the whole run: refresh tokens, access tokens, seeds and
derived keys. Whatever is logged, at DEBUG, is kept for the length of one test, and so is a sample
of the package's own values. At the end of the test none of its secrets may appear in them.
"""

import base64
import dataclasses
import functools
import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from django.conf import settings
from django.db.models.signals import post_init

import tokenauth
from tokenauth.tokens.keys import SigningKey

SAMPLE = 50  # values of each class whose repr is looked at, per test
SEED_BYTES = 32
SQL_LOGGER = "django.db.backends"


class Watch(logging.Handler):
    """What has been minted, logged and made since :meth:`start`."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.tokens: set[str] = set()
        self.seeds: set[str] = set()
        self.keys: set[str] = {settings.SECRET_KEY}
        self.lines: list[tuple[str, str]] = []
        self.values: dict[type, list[object]] = {}

    def start(self) -> None:
        """Forget the test before, all but the keys: those are derived once and kept."""
        self.tokens.clear()
        self.seeds.clear()
        self.lines.clear()
        self.values.clear()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep all of a record: its text, its traceback and its extra fields."""
        self.lines.append((record.name, f"{self.format(record)} {record.__dict__!r}"))

    def minted_token(self, token: str) -> None:
        """Remember a token by its end: the secret part of both kinds."""
        self.tokens.add(token[-32:])

    def minted_seed(self, value: bytes) -> None:
        """Remember a seed; shorter random bytes are ids, which may be seen."""
        if len(value) >= SEED_BYTES:
            self.seeds |= spellings(value)

    def minted_key(self, value: bytes) -> None:
        """Remember a derived key."""
        self.keys |= spellings(value)

    def used_keys(self, value: Any) -> None:
        """Remember derived keys that were made before."""
        for key in value.keys:
            self.minted_key(key.material if isinstance(key, SigningKey) else key.secret)

    def made(self, value: object) -> None:
        """Keep a value of the package, to see its ``repr()`` when the test is over."""
        kept = self.values.setdefault(type(value), [])
        if len(kept) < SAMPLE:
            kept.append(value)

    def leaks(self) -> list[str]:
        """Return the places where secrets were seen; the secrets are not repeated."""
        minted = self.tokens | self.seeds | self.keys
        # SQL at DEBUG is what the database holds: the seeds, but never a token or a key.
        allowed = {SQL_LOGGER: self.tokens | self.keys}
        found = {
            f"a record of the logger {name}"
            for name, line in self.lines
            if contains(line, allowed.get(name, minted))
        }
        for cls, values in self.values.items():
            if contains("\n".join(map(repr, values)), minted):
                found.add(f"repr() of {cls.__module__}.{cls.__qualname__}")
        return sorted(found)


def spellings(value: bytes) -> set[str]:
    """Return the ways in which bytes could have been written as text."""
    encoded = (base64.b64encode(value), base64.urlsafe_b64encode(value))
    return {value.hex(), repr(value)[2:-1], *(text.decode().rstrip("=") for text in encoded)}


def contains(text: str, secrets: Iterable[str]) -> bool:
    """Return whether any of the secrets is part of the text."""
    return any(secret in text for secret in secrets)


def install(watch: Watch) -> None:
    """Put the watch in place for the rest of the run."""
    modules = [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(tokenauth.__path__, "tokenauth.")
        if ".migrations" not in info.name
    ]
    _wrap(modules, "tokenauth.tokens.refresh", "make_refresh_token", watch.minted_token)
    _wrap(modules, "tokenauth.tokens.access", "make_access_token", watch.minted_token)
    _wrap(modules, "tokenauth.tokens.keys", "derive_key", watch.minted_key)
    # They keep what they made, so in most tests no key is derived.
    _wrap(modules, "tokenauth.conf.tokens", "_derive_signing_keys", watch.used_keys)
    _wrap(modules, "tokenauth.conf.tokens", "_derive_refresh_keys", watch.used_keys)
    _wrap(modules, "tokenauth.system", "random_bytes", watch.minted_seed)
    for module in modules:
        for cls in list(vars(module).values()):
            if isinstance(cls, type) and cls.__module__ == module.__name__:
                _watch_class(cls, watch)
    post_init.connect(functools.partial(_made_row, watch), weak=False)
    logging.getLogger().addHandler(watch)
    for name in ("", "django"):
        logging.getLogger(name).setLevel(logging.DEBUG)


def _wrap(modules: Iterable[ModuleType], home: str, name: str, note: Callable[[Any], None]) -> None:
    original = getattr(importlib.import_module(home), name)

    @functools.wraps(original)
    def noting(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        note(result)
        return result

    # Also where another module has imported the function by its name.
    for module in modules:
        for attribute, value in list(vars(module).items()):
            if value is original:
                setattr(module, attribute, noting)


def _watch_class(cls: Any, watch: Watch) -> None:
    if not dataclasses.is_dataclass(cls):
        return
    original = vars(cls)["__init__"]

    @functools.wraps(original)
    def init(self: object, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        watch.made(self)

    setattr(cls, "__init__", init)  # noqa: B010 - mypy forbids the plain assignment


def _made_row(watch: Watch, *, sender: type, instance: object, **_kwargs: object) -> None:
    if sender.__module__.startswith("tokenauth."):
        watch.made(instance)
