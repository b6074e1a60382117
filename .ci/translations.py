#!/usr/bin/env python3
"""Compare each translation that is committed with what makemessages and msgfmt make of the sources.

    translations.py tokenauth/locale SCRATCH/locale

The second folder is a copy of the first, after makemessages and compilemessages ran over a copy of
the package. Fails, and says why, if a message was added or dropped without its translation, if one
is doubtful or empty, or if a .mo is not that of its .po.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import polib


def keys(catalog: polib.POFile) -> set[tuple[str, str, str]]:
    """Return what its messages are known by."""
    return {
        (entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")
        for entry in catalog
        if not entry.obsolete
    }


def texts(catalog: polib.POFile | polib.MOFile) -> dict[tuple[str, str], object]:
    """Return its translations."""
    return {
        (entry.msgctxt or "", entry.msgid): entry.msgstr_plural or entry.msgstr
        for entry in catalog
        if not getattr(entry, "obsolete", False)
    }


def faults(committed: Path, made: Path) -> Iterator[str]:
    """Yield what is wrong with one language."""
    here, there = (polib.pofile(str(folder / "django.po")) for folder in (committed, made))
    for key in sorted(keys(there) - keys(here)):
        yield f"has no entry for: {key}"
    for key in sorted(keys(here) - keys(there)):
        yield f"has an entry that no source has: {key}"
    for entry in here:
        if entry.obsolete:
            yield f"is obsolete: {entry.msgid!r}"
        elif not entry.translated():
            yield f"is empty or fuzzy: {entry.msgid!r}"
    if texts(here) != texts(polib.mofile(str(committed / "django.mo"))):
        yield "django.mo is not that of django.po"


def main(committed: Path, made: Path) -> int:
    """Print every fault; 1 if there is one."""
    languages = sorted(path.parent.relative_to(committed) for path in committed.rglob("*.po"))
    found = [
        f"{language}: {fault}"
        for language in languages
        for fault in faults(committed / language, made / language)
    ]
    print("\n".join(found) or f"{len(languages)} translated, and complete")
    if found:
        print("To renew: make messages, then translate what is empty or fuzzy, and make it again.")
    return 1 if found or not languages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
