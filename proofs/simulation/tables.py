"""The tables of the docs, from the file of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from proofs.simulation.cells import BROKEN, CLIENTS, HERE, LIMITS, OURS, THEIRS
from proofs.simulation.figures import Results, bounds
from proofs.simulation.rules import RULES
from proofs.simulation.world import World, described

__all__ = ["SECTIONS", "admin", "broken", "honest", "limits", "races", "thefts", "world"]

SHARES = {
    *("loss", "slow", "slow_days", "polls", "peeks", "reloads", "waiting_writes"),
    "survives_sleep",
}
PLAIN = {"tabs", "blocks", "crashes", "restarts", "outages", "uses_seen"}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _name(rule: str) -> str:
    return RULES[rule].name


def _rate(found: dict[str, Any] | None) -> list[str]:
    """Days, number, number in 1,000 days, and the share of days with one."""
    if found is None:
        return ["not run", "", "", ""]
    days, number = found["days"], found["logouts"]
    low, high = bounds(found["days_with_logout"], days)
    share = f"{100 * found['days_with_logout'] / days:.3g} % ({100 * low:.3g} to {100 * high:.3g})"
    rate = f"{1000 * number / days:.3g}"
    if not number:
        share, rate = f"0 (below {100 * high:.3g})", f"0 (below {1000 * high:.2g})"
    return [f"{days:,}", f"{number:,}", rate, share]


def _short_rate(rate: list[str]) -> str:
    return f"{rate[2]} [{rate[1]} in {rate[0]}]" if rate[1] else rate[0]


RATE = ["days", "false logouts", "in 1,000 days", "% of days with one (95 %)"]


def _causes(found: dict[str, Any] | None) -> str:
    causes = (found or {}).get("causes", {})
    ordered = sorted(causes.items(), key=lambda each: -each[1])
    return ", ".join(f"{why}: {number:,}" for why, number in ordered)


def world(_results: Results) -> str:
    """Return the parameters."""
    rows = []
    for name, value, meaning in described(World()):
        if name in SHARES:
            text = f"{100 * float(str(value)):g} %"
        elif name in PLAIN:
            text = {"True": "here"}.get(str(value), str(value))
        else:
            text = f"{value} s"
        rows.append([f"`{name}`", meaning, text])
    return _table(["parameter", "is", "usually"], rows)


def honest(results: Results, prefix: str = "honest") -> str:
    """Return false logouts and forks of every rule."""
    rows = []
    for rule in RULES:
        for seen in (True, False) if rule in OURS else (True,):
            for client in CLIENTS:
                found = results.cells.get(f"{prefix}/{rule}/{client}/{HERE[seen]}")
                if found is None and prefix != "honest" and not seen and rule != "ours 30":
                    continue
                forks = f"{100 * found['forked_days'] / found['days']:.3g} %" if found else ""
                where = HERE[seen] if rule in OURS else "either"
                rows.append([_name(rule), where, client, *_rate(found), forks, _causes(found)])
    head = ["rule", "tokens used", "client", *RATE, "days with a fork", "why"]
    return _table(head, rows)


def broken(results: Results) -> str:
    """Return the worlds in which an assumption does not hold."""
    rows = []
    for what in BROKEN:
        for client in ("session.js", "naive"):
            found = results.cells.get(f"broken/{what}/{client}")
            rows.append([what, client, *_rate(found), _causes(found)])
    return _table(["what is different", "client", *RATE, "why"], rows)


def _spread(values: dict[str, float], unit: str = "") -> str:
    return " / ".join(_short(values[name], unit) for name in ("p50", "p90", "max"))


def _short(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.0f}"
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.1f} {name}"
    return f"{value:.0f} s"


def _theft(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return ["not run", *[""] * 7]
    used, caught = found["used"], found["caught"]
    number = found["outcomes"].get("caught", 0)
    if not used:
        return ["0", *[""] * 7]
    low, high = bounds(used - number, used)
    share = f"{100 * number / used:.4g} % ({100 * (1 - high):.4g} to {100 * (1 - low):.4g})"
    others = [(name, n) for name, n in found["outcomes"].items() if name != "caught"]
    rest = ", ".join(f"{name}: {number:,}" for name, number in others)
    told = [f"{used:,}", share, rest]
    if not caught:
        return [*told, *[""] * 5]
    three = f"{100 * caught['within_three_each'] / number:.3g} %"
    return [
        *told,
        *(_spread(caught["turns_distribution"]), _spread(caught["by_victim"]), three),
        *(_spread(caught["shared"], "s"), _spread(caught["seconds"], "s")),
    ]


THEFT = [
    *("thefts used", "caught (95 %)", "else", "turns", "victim's refreshes"),
    *("within 3 each", "both used it for", "from his first use"),
]


def thefts(results: Results) -> str:
    """Return what becomes of thieves under every rule."""
    rows = []
    for what in ("both go on", "takes turns", "follows"):
        for rule in [*OURS, *THEIRS]:
            for seen in (True, False) if rule in OURS else (True,):
                found = results.cells.get(f"theft/{rule}/{what}/{HERE[seen]}")
                where = HERE[seen] if rule in OURS else "either"
                rows.append([what, _name(rule), where, *_theft(found)])
    return _table(["thief", "rule", "tokens used", *THEFT], rows)


def limits(results: Results) -> str:
    """Return what MAX_LATE_RUN costs and brings."""
    rows = []
    for limit in LIMITS:
        cells = [str(limit or "none")]
        for loss in (0.05, 0.2):
            for client in ("session.js", "naive"):
                rate = _rate(results.cells.get(f"limit/{limit}/{loss}/{client}"))
                cells.append(_short_rate(rate))
        for name in ("0.05/both go on", "0.05/takes turns", "0.2/takes turns", "mixed"):
            theft = _theft(results.cells.get(f"limit/{limit}/{name}"))
            cells.append(f"{theft[1]}; {theft[3]}")
        rows.append(cells)
    head = [
        *("MAX_LATE_RUN", "5 % loss, session.js", "5 %, naive", "20 %, session.js"),
        *("20 %, naive", "both go on: caught; turns", "takes turns: caught; turns"),
        *("the same at 20 %", "takes turns, his use seen, hers not"),
    ]
    return _table(head, rows)


def races(results: Results) -> str:
    """Return what RACE costs and brings under a short grace."""
    rows = []
    for rule in ("ours 0", "ours 10"):
        for seen in HERE:
            for race, prefixes in (("5 s", ("honest", "theft")), ("0", ("race", "race"))):
                cells = [_name(rule), HERE[seen], race]
                for client in CLIENTS:
                    rate = _rate(results.cells.get(f"{prefixes[0]}/{rule}/{client}/{HERE[seen]}"))
                    cells.append(_short_rate(rate))
                for what in ("both go on", "takes turns"):
                    found = results.cells.get(f"{prefixes[1]}/{rule}/{what}/{HERE[seen]}")
                    theft = _theft(found)
                    cells.append(f"{theft[1]}; {theft[3]}")
                rows.append(cells)
    head = [
        *("rule", "tokens used", "RACE", *CLIENTS),
        *("both go on: caught; turns", "takes turns: caught; turns"),
    ]
    return _table(head, rows)


SEEN_BY_STAFF = {
    "honest, 5 % loss": "honest/ours 30/session.js/here",
    "honest, 20 % loss": "lossy/honest/ours 30/session.js/here",
    "honest, naive client, 20 % loss": "lossy/honest/ours 30/naive/here",
    "the thief follows, his tokens used here": "theft/ours 30/follows/here",
    "the thief follows, his tokens used elsewhere": "theft/ours 30/follows/elsewhere",
    "the thief takes turns, tokens used elsewhere": "theft/ours 30/takes turns/elsewhere",
    "honest, put back by 5 minutes": (
        "broken/once a day the cookie store is put back by 5 minutes/session.js"
    ),
}


def admin(results: Results) -> str:
    """Return what the admin's columns would show, for each 100 rotations."""
    rows = []
    for what, name in SEEN_BY_STAFF.items():
        found = results.cells.get(name)
        if found is None:
            rows.append([what, "not run", "", ""])
            continue
        hundred = max(1, found["rotations"]) / 100
        counts = (found["repeats"], found["late_answers"], found["moves"])
        rows.append([what, *(f"{count / hundred:.2g}" for count in counts)])
    head = ["in 100 rotations", "`grace_count`", "late answers in it", "changes of address"]
    return _table(head, rows)


SECTIONS: dict[str, Callable[[Results], str]] = {
    "world": world,
    "honest": honest,
    "lossy": lambda results: honest(results, "lossy/honest"),
    "broken": broken,
    "thefts": thefts,
    "limits": limits,
    "races": races,
    "admin": admin,
}
"""What the program writes into the docs, by the names of the marks there."""
