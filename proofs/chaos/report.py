"""What is printed at the end of a round."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from proofs.chaos.cluster import Cluster
from proofs.chaos.invariants import INVARIANTS, Figures
from proofs.chaos.journal import Journal, Story
from proofs.chaos.server import Server
from proofs.chaos.sweep import Sweep

__all__ = ["print_round"]

SHOWN = 5
"""So many breaches of one invariant are shown with their session's story."""
_OURS = "Internal Server Error: /auth/"
LAST = 30
"""So many requests of a story are shown, the newest."""


def print_round(
    journal: Journal, server: Server, cluster: Cluster, sweep: Sweep, figures: Figures
) -> int:
    """Print what was done and what held; return how many breaches there were."""
    _table(
        "kind of request",
        "statements",
        [(title, len(sent)) for title, sent in sorted(sweep.statements.items())],
    )
    _print_faults(server, cluster, sweep)
    _print_work(journal, figures)
    _table("invariant", "breaches", _breaches(journal))
    for key in INVARIANTS:
        for sentence, story in journal.broken[key][:SHOWN]:
            print(f"\nBREACH of {key}: {sentence}")
            if story is not None:
                _print_story(story)
    if journal.broken["5xx"]:
        print(f"\n{_tracebacks(server.log())}")
    return sum(len(found) for found in journal.broken.values())


def _tracebacks(log: str) -> str:
    """Return the newest of what the server said of answers 500 from the endpoints."""
    parts = re.split(r"^(?=Internal Server Error: )", log, flags=re.MULTILINE)
    return "\n".join(part[:6000] for part in parts if part.startswith(_OURS))[-20000:]


def _breaches(journal: Journal) -> Iterable[tuple[str, int]]:
    return ((text, len(journal.broken[key])) for key, text in INVARIANTS.items())


def _print_faults(server: Server, cluster: Cluster, sweep: Sweep) -> None:
    struck = server.faults()
    for fault in ("kill", "cut"):
        places = Counter(
            f"{entry['place']} {entry['statement']}".strip()
            for entry in struck
            if entry["fault"] == fault
        )
        _table(f"{fault} inside a request", "times", sorted(places.items()))
    counts = server.count_faults()
    _table(
        "fault",
        "times",
        [
            ("worker killed at a chosen place", counts["kill"]),
            ("worker killed from outside", server.killed_outside),
            ("worker that ended by itself", server.count_ended()),
            ("connection cut at a chosen place", counts["cut"]),
            ("connection cut from outside", cluster.cuts),
            ("request stalled", counts["stall"]),
            ("database restarted in order", cluster.restarts["fast"]),
            ("database crashed and recovered", cluster.restarts["immediate"]),
            ("gaps to be killed in: hit", sweep.hit["kill"]),
            ("gaps to be killed in: planned", sweep.planned["kill"]),
            ("gaps to be cut in: hit", sweep.hit["cut"]),
            ("gaps to be cut in: planned", sweep.planned["cut"]),
        ],
    )
    for missed in sweep.missed:
        print(f"missed: {missed}")


def _print_work(journal: Journal, figures: Figures) -> None:
    _table("request", "times", sorted(journal.requests.items()))
    answers = sorted(journal.answers.items())
    _table("answer", "times", [*answers, ("none: the connection was lost", journal.unanswered)])
    _table(
        "looked at",
        "how many",
        [
            ("sessions", figures.sessions),
            ("living sessions, refreshed twice at once in the end", figures.living),
            ("ended sessions, tried again in the end", figures.ended),
            ("their access tokens that had not expired, tried too", figures.accesses),
            ("refresh tokens answered, each recomputed from its row", figures.tokens),
            ("rotations", figures.rotations),
            ("audit rows", figures.events),
            ("rotations without a history row (allowed)", figures.missing_history),
            ("sessions of logins without an answer (allowed)", figures.unclaimed),
        ],
    )


def _table(left: str, right: str, rows: Iterable[tuple[str, int]]) -> None:
    print(f"\n| {left} | {right} |\n| --- | --- |")
    for name, count in rows:
        print(f"| {name} | {count} |")


def _print_story(story: Story) -> None:
    print(f"  session {story.sid}, {story.transport}; ended by {story.ended_by or 'nobody'}")
    entries = sorted(story.entries, key=lambda entry: entry.asked)
    start = entries[0].asked if entries else 0.0
    for entry in entries[-LAST:]:
        fault = f" [{entry.fault}]" if entry.fault else ""
        print(
            f"  {entry.asked - start:8.3f}-{entry.answered - start:8.3f} s {entry.action}"
            f" gen {entry.presented} -> {entry.status or 'no answer'} {entry.code}"
            f" refresh {entry.given} access {entry.access}{fault}"
        )
