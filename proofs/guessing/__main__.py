"""``python -m proofs.guessing``: three attacks at a real server; see ``--help``.

Ends with 1 if a bound was broken, and with 3 where PostgreSQL's programs or Redis are missing.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import django

from proofs.cluster import Cluster
from proofs.guessing.place import ROOT, THREADS, WORKERS, Place, run_redis
from proofs.postgresql import find_binaries
from proofs.redis_server import find_redis

PAGE = ROOT / "docs" / "proofs" / "guessing.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> int:
    words = _arguments()
    binaries, redis = find_binaries(), find_redis()
    if binaries is None or redis is None:
        print("PostgreSQL's programs (initdb, pg_ctl) and redis-server are needed, and not here")
        return 3
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="guessing-")))
        folder.chmod(0o755)  # PostgreSQL's user must be able to reach its own below it
        data = folder / "postgresql"
        data.mkdir()
        database = stack.enter_context(Cluster.made(data, binaries))
        port = stack.enter_context(run_redis(redis, folder))
        os.environ |= {
            "DATABASE_URL": database.url(),
            "DJANGO_SETTINGS_MODULE": "proofs.guessing.settings",
            "GUESSING_REDIS": str(port),
            "GUESSING_SPEED": str(words.speed),
            "GUESSING_EPOCH": str(time.time()),
            "PYTHONPATH": str(ROOT),
        }
        django.setup()
        return _run(words, Place(database, port, folder))


def _run(words: argparse.Namespace, place: Place) -> int:
    # Only now: these modules need the settings.
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - as said
    from django.core.management import call_command  # noqa: PLC0415 - as said

    from proofs.guessing.attacks import ATTACKS, OWNER, PASSWORD  # noqa: PLC0415 - as said

    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user(OWNER, password=PASSWORD)
    began = time.monotonic()
    with place.serve():
        found = [_one(attack, place, words) for attack in ATTACKS]
    took = time.monotonic() - began
    wrong = [problem for each in found for problem in each["wrong"]]
    if words.write:
        _write(_page(found, place.cluster, words, took))
    print(f"{took:.0f} s, {len(wrong)} bounds broken", *wrong, sep="\n")
    return 1 if wrong else 0


def _one(attack: Any, place: Place, words: argparse.Namespace) -> dict[str, Any]:
    """Run one attack for so many hours; then the owner logs in, while it goes on."""
    from proofs.guessing import clock  # noqa: PLC0415 - as above
    from proofs.guessing.attacks import (  # noqa: PLC0415 - as above
        HOME,
        NEW,
        Attackers,
        Client,
        wait_until_in,
    )

    wrong: list[str] = []
    place.forget()
    browser, app = Client(place.port, HOME, "browser"), Client(place.port, HOME)
    if (browser.owner()[0], app.owner()[0]) != (200, 200):
        raise RuntimeError("the owner could not log in before the attack")
    browser.ip = NEW
    attackers = Attackers(place.port, attack)
    start = clock.now().timestamp()
    with attackers.guessing():
        while clock.now().timestamp() < start + words.hours * 3600:
            time.sleep(0.02)
        never_seen = Client(place.port, "198.51.100.9")
        _, said = never_seen.owner()
        device, known = browser.owner()[0], app.owner()[0]
        after = 0.0 if said == 0 else wait_until_in(never_seen, words.patience * 60)
    checked = _by_hour(place.cluster, start, words.hours)
    tracebacks = place.tracebacks()
    for hour, count in enumerate(checked):
        most = attack.first if hour == 0 else attack.later
        if count > most:
            wrong.append(f"{attack.name}: {count} guesses in hour {hour + 1}, at most {most}")
    if (device, known) != (200, 200):
        wrong.append(f"{attack.name}: the owner was refused: device {device}, address {known}")
    if set(attackers.answers) - {401, 429} or tracebacks:
        wrong.append(f"{attack.name}: other answers: {attackers.answers}, {tracebacks} errors")
    print(f"{attack.name}: {checked}, {attackers.answers}, {said}, {device}, {known}, {after}")
    return {
        "name": attack.name,
        "checked": checked,
        "answers": attackers.answers,
        "said": said,
        "device": device,
        "known": known,
        "after": after,
        "wrong": wrong,
    }


def _by_hour(database: Cluster, start: float, hours: int) -> list[int]:
    """Return how many failed logins have a row, which is written after the password was checked."""
    rows = database.query(
        "SELECT extract(epoch FROM created_at)::float FROM tokenauth_authevent "
        "WHERE type = 'login_failed'"
    )
    counts = Counter(int((at - start) // 3600) for (at,) in rows)
    return [counts[hour] for hour in range(hours)]


def _page(found: list[dict[str, Any]], database: Cluster, words: Any, took: float) -> str:
    (server,) = database.query("SHOW server_version")[0]
    names = ("django", "gunicorn", "redis", "psycopg")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    head = (
        f"Measured at commit `{commit}` in {took:.0f} s on {os.cpu_count()} CPUs (load "
        f"{os.getloadavg()[2]:.1f} over 15 minutes: the machine was shared), {platform.system()}, "
        f"Python {platform.python_version()}, {versions}, PostgreSQL {server.split()[0]}; gunicorn "
        f"with {WORKERS} processes of {THREADS} threads; the clock ran {words.speed:g} times as "
        "fast."
    )
    columns = (
        "| attack | requests | guesses looked at, by hour | owner's browser, new address "
        "| owner's app, known address | owner from a never-seen place |"
    )
    lines = [head, "", columns, "| --- | --- | --- | --- | --- | --- |"]
    for each in found:
        hours = ", ".join(str(count) for count in each["checked"])
        requests = f"{sum(each['answers'].values()):,}"
        lines.append(
            f"| {each['name']} | {requests} | {hours} | {_in(each['device'])} "
            f"| {_in(each['known'])} | {_never_seen(each, words.patience)} |"
        )
    wrong = [problem for each in found for problem in each["wrong"]]
    verdict = "No bound was broken." if not wrong else "Broken:\n\n- " + "\n- ".join(wrong)
    return "\n".join([*lines, "", verdict, ""])


def _in(status: int) -> str:
    return "in at once" if status == 200 else f"refused: {status}"


def _never_seen(each: dict[str, Any], patience: float) -> str:
    if each["said"] == 0:
        return "in at once"
    refused = f"refused, to come again after {each['said']} s"
    if each["after"] is None:
        return f"{refused}; not in within {patience:g} min after the login on the own device either"
    return f"{refused}; in {each['after']:.0f} s after the login on the own device"


def _write(measured: str) -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{measured}{END}{after}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m proofs.guessing", description=str(__doc__).strip()
    )
    parser.add_argument("--hours", type=int, default=3, help="of each attack (3)")
    parser.add_argument("--speed", type=float, default=60, help="of the clock (60)")
    parser.add_argument("--patience", type=float, default=30, help="minutes of the owner (30)")
    parser.add_argument("--write", action="store_true", help="write docs/proofs/guessing.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
